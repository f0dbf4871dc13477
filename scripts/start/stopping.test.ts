// `npm start` that is stopped before it is through, as by Ctrl-C twice or by a supervisor: it ends by itself, says so, and its collector
// does not outlive it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { expect, it } from 'vitest';
import { homeFor, START_DEADLINE_MS } from './testing/start-lab.ts';

const ENTRY = join(import.meta.dirname, '../start.mjs');

it(
  'when a start is told to stop while it works, it ends with its collector and calls nothing else a failure',
  async () => {
    const home = await homeFor(temporaryFolder('start-root'));
    const child = spawn(process.execPath, [ENTRY], { env: { ...process.env, SELVAGE_HOME: home } });
    let [said, told] = ['', false];
    const hear = (chunk: Buffer) => {
      said += chunk;
      // The collector runs by now; enrollment and inventory are still to come.
      if (told || !/^collector listens/m.test(said)) return;
      told = true;
      child.kill('SIGTERM');
      child.kill('SIGINT');
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const [code, signal] = await once(child, 'close');

    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(said.match(/^error .*/gm)).toEqual(['error PROCESS_FAILED: stopped before the start was through']);
    expect(said).not.toContain('live events');
    const { gatewayPort } = JSON.parse(readFileSync(join(home, 'settings.json'), 'utf8'));
    const socket = connect(gatewayPort, '127.0.0.1');
    expect(await once(socket, 'connect').catch((error) => error.code)).toBe('ECONNREFUSED');
  },
  START_DEADLINE_MS,
);
