// What a stranger can make the collector do before it has proven anything: no file is touched synchronously and nothing
// is signed or verified. Looked at in another process, by counting calls and by tracing its system calls.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect as tlsConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { CONNECT_PATH } from '@selvage/shared/wire/wire.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { makeAuthority, makeHost } from './testing/world.ts';

const GATEWAY = fileURLToPath(new URL('./testing/traced.ts', import.meta.url));
const children: ChildProcess[] = [];
afterAll(async () => {
  for (const child of children) {
    if (child.exitCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

interface Traced {
  readonly port: number;
  readonly authority: string;
  readonly token: string;
  /** Calls of expensive functions since the last time. */
  calls(): Promise<Record<string, number>>;
}

async function start(before: readonly string[] = []): Promise<Traced> {
  const [file = '', ...args] = [...before, process.execPath, GATEWAY, temporaryFolder('traced')];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value ?? 'null');
  const ready = await next();

  return {
    ...ready,
    calls: async () => {
      child.stdin.write('calls\n');

      return (await next()).calls;
    },
  };
}

type Client = Pick<Traced, 'port' | 'authority'>;

async function ask({ port, authority }: Client, method: string, path: string, body?: string, identity = {}) {
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(path === CONNECT_PATH
      ? {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        }
      : {}),
  };
  const sent = request({ host: '127.0.0.1', port, method, path, ca: authority, agent: false, headers, ...identity });
  sent.end(body);
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'close');

  return response.statusCode as number;
}

/** Everything a stranger can do, `times` over. */
async function strangers(traced: Traced, times: number): Promise<void> {
  const { privateKey } = generateKey();
  const csr = createRequest({ commonName: 'web-1', privateKey });
  const foreign = makeHost(makeAuthority(), 1);
  const wrong = (token: string) =>
    JSON.stringify({ token, name: 'web-1', csr, machineId: 'm', mode: 'managed', runnerKey: 'x', runnerProof: 'eA==' });
  const guessed = traced.token.slice(0, -64) + '0'.repeat(64);

  for (let turn = 0; turn < times; turn++) {
    const socket = tlsConnect({ port: traced.port, host: '127.0.0.1', ca: traced.authority });
    await once(socket, 'secureConnect');
    socket.destroy();
    expect(await ask(traced, 'GET', CONNECT_PATH)).toBe(401);
    expect(await ask(traced, 'GET', CONNECT_PATH, undefined, { key: foreign.key, cert: foreign.cert })).toBe(401);
    expect(await ask(traced, 'GET', '/v1/hosts')).toBe(404);
    expect(await ask(traced, 'POST', '/v1/enroll', 'no json')).toBe(400);
    expect(await ask(traced, 'POST', '/v1/enroll', wrong(`slv_h000000000000000${turn}_${'0'.repeat(64)}`))).toBe(403);
    // The id of a true token with another secret: as far as a stranger gets.
    expect(await ask(traced, 'POST', '/v1/enroll', wrong(guessed))).toBe(403);
  }
}

describe('when strangers connect, upgrade and enroll with wrong tokens', () => {
  it('nothing is signed, verified or unpacked, and no file is touched synchronously', async () => {
    const traced = await start();
    // Modules and statements that are made ready once belong to nobody.
    await strangers(traced, 1);
    await traced.calls();
    await strangers(traced, 5);
    const calls = await traced.calls();

    expect(calls).toEqual({});
  });

  it('the counting sees what it should: a true enrollment verifies and signs', async () => {
    const traced = await start();
    await traced.calls();
    const { privateKey } = generateKey();
    const body = JSON.stringify({
      ...{ token: traced.token, name: 'web-1', csr: createRequest({ commonName: 'web-1', privateKey }) },
      ...{ machineId: 'm', mode: 'managed', runnerKey: generateKey().publicKey, runnerProof: 'eA==' },
    });
    await ask(traced, 'POST', '/v1/enroll', body);

    expect(Object.keys(await traced.calls()).some((name) => name.startsWith('crypto.'))).toBe(true);
  });
});

needs(['strace'], 'when the system calls of the collector are traced', () => {
  it('strangers make its main thread open, read, write and sync no file', async () => {
    const output = join(temporaryFolder('trace'), 'trace.txt');
    const calls = '%file,read,pread64,pwrite64,fsync,fdatasync,ftruncate';
    // -yy says what a descriptor is: sockets and pipes are no files.
    const traced = await start(['strace', '-f', '-yy', '-qq', '-e', `trace=${calls}`, '-o', output]);
    await strangers(traced, 1);
    await traced.calls();
    const from = statSync(output).size;
    await strangers(traced, 4);
    await traced.calls();
    const lines = readFileSync(output, 'utf8').slice(from).split('\n');
    const main = readFileSync(output, 'utf8').split(' ', 1)[0];
    const files = lines.filter((line) => line.startsWith(`${main} `)).filter((line) => isOnFile(line));

    expect(lines.length).toBeGreaterThan(10);
    expect(files).toEqual([]);
  });
});

/** Lines of strace -yy: `123 read(20<TCP:[127.0.0.1:1->127.0.0.1:2]>, …`, `123 openat(AT_FDCWD</x>, "/y", …`. */
function isOnFile(line: string): boolean {
  const call = /^\d+ (\w+)\((?:(\d+)<([^>]*)>?)?/.exec(line);
  if (!call) return false;
  const [, name = '', , what = ''] = call;
  if (!['read', 'pread64', 'pwrite64', 'fsync', 'fdatasync', 'ftruncate'].includes(name)) return true;

  return !/^(TCP|TCPv6|UNIX|UNIX-STREAM|pipe|socket|anon_inode)/.test(what);
}
