// Hosts that reach their collector through a proxy only: the name of the collector means nothing to them, the real commands
// run in processes of their own, and what the proxy was told is what a person could read there.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FakeProxy, startProxy } from '../../agent/connector/testing/proxy.ts';
import { documentOf, succeeded } from '../lab/commands.ts';
import { makeCollector, type RealCollector, type TokenDocument } from './testing/collector.ts';
import { makeHost, type RealHost } from './testing/host.ts';

/** A top-level domain that resolves nowhere (RFC 6761 section 6.2). */
const NAME = 'collector.test';
const PASSWORD = 'Gr8:secret/of@the=proxy';
const USER = `agent:${PASSWORD}`;

let collector: RealCollector;
let gateway: string;
const named = { [NAME]: '127.0.0.1' };
const addressOf = (proxy: FakeProxy, password = PASSWORD) =>
  `http://agent:${encodeURIComponent(password)}@127.0.0.1:${proxy.port}`;

beforeAll(async () => {
  collector = await makeCollector({ SELVAGE_NAMES: `127.0.0.1,${NAME}` });
  gateway = `wss://${NAME}:${collector.gatewayPort}`;
  await collector.serve();
});

async function enrollThrough(host: RealHost) {
  const made = await collector.selvage(['token', 'create', '--host', host.name, '--json']);
  const { token, pin } = documentOf<TokenDocument>(made);

  return host.agent(['enroll', '--collector', gateway, '--pin', pin, '--token', token, '--name', host.name]);
}

/** Everything that a host has on its disk and says, as one text. */
async function told(host: RealHost, ...outputs: readonly { readonly stdout: string; readonly stderr: string }[]) {
  const names = await readdir(host.stateDir, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8'));

  return [...(await Promise.all(files)), ...outputs.flatMap(({ stdout, stderr }) => [stdout, stderr])].join('\n');
}

function expectNoPassword(text: string): void {
  for (const form of [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(USER).toString('base64')]) {
    expect(text).not.toContain(form);
  }
}

describe('when a host has a proxy', () => {
  it.each(['in its settings', 'in its environment'])(
    '%s, it enrolls, connects and reports through it',
    async (where) => {
      const proxy = await startProxy({ credentials: USER, names: named });
      const host = await makeHost({
        name: `behind-${where.endsWith('settings') ? 'one' : 'two'}`,
        ...(where.endsWith('settings')
          ? { settings: { proxy: addressOf(proxy) } }
          : { env: { HTTPS_PROXY: addressOf(proxy) } }),
      });
      const enrolled = succeeded(await enrollThrough(host));
      const agent = host.start(['connect']);
      await agent.line(/^connected to collector/);
      const status = succeeded(await host.agent(['status']));
      const shown = succeeded(await host.agent(['settings']));
      await agent.kill('SIGTERM');

      expect(new Set(proxy.asked)).toEqual(new Set([`${NAME}:${collector.gatewayPort}`]));
      expect(proxy.asked.length).toBeGreaterThanOrEqual(3);
      expect(Buffer.concat(proxy.seen).includes('/v1/')).toBe(false);
      expectNoPassword(await told(host, enrolled, status, shown));
      expectNoPassword(agent.lines.join('\n'));
    },
  );

  it('and NO_PROXY names the collector, it goes directly, where there is no way', async () => {
    const proxy = await startProxy({ credentials: USER, names: named });
    const host = await makeHost({ name: 'around', env: { HTTPS_PROXY: addressOf(proxy), NO_PROXY: `.${NAME}` } });
    const { exitCode, error } = await enrollThrough(host);

    expect({ exitCode, code: error?.code }).toEqual({ exitCode: 4, code: 'UNREACHABLE' });
    expect(proxy.asked).toEqual([]);
  });
});

describe('when the proxy is in the way', () => {
  it('with another password, enrollment ends with PROXY_REFUSED, nothing stored, and what to do', async () => {
    const proxy = await startProxy({ credentials: 'agent:another', names: named });
    const host = await makeHost({ name: 'refused', settings: { proxy: addressOf(proxy) } });
    const answer = await enrollThrough(host);

    expect({ exitCode: answer.exitCode, code: answer.error?.code }).toEqual({ exitCode: 4, code: 'PROXY_REFUSED' });
    expect(answer.stderr).toMatch(/^next: .*HTTPS_PROXY/m);
    expectNoPassword(answer.stdout + answer.stderr);
    expect(existsSync(host.stateDir)).toBe(false);
  });

  it('and reads along, enrollment is refused, and it never sees the token', async () => {
    const proxy = await startProxy({ behaviour: 'intercept' });
    const host = await makeHost({ name: 'listened-to', settings: { proxy: addressOf(proxy) } });
    const { exitCode, error } = await enrollThrough(host);

    expect({ exitCode, code: error?.code }).toEqual({ exitCode: 3, code: 'PIN_MISMATCH' });
    expect(Buffer.concat(proxy.seen).toString()).toContain('GET /v1/trust');
    expect(Buffer.concat(proxy.seen).toString()).not.toContain('slv_');
  });

  it('of a connected host and begins to refuse, status says so, and it comes back when the proxy does', async () => {
    const proxy = await startProxy({ credentials: USER, names: named });
    const host = await makeHost({ name: 'again', settings: { proxy: addressOf(proxy) } });
    succeeded(await enrollThrough(host));
    proxy.behave(503);
    const agent = host.start(['connect']);
    await agent.line(/^disconnected: PROXY_REFUSED: /);
    // It is written beside what is printed.
    const status = async () => (await host.agent(['status'])).stdout;
    await expect.poll(status).toMatch(/^wrong {8}PROXY_REFUSED: /m);
    const stdout = await status();
    proxy.behave('connect');
    await agent.line(/^connected to collector/);

    expectNoPassword(agent.lines.join('\n') + stdout);
  });
});
