// `selvage-agent preflight` as somebody types it before anything is enrolled, and later, against a real collector.
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startProxy } from '../../agent/connector/testing/proxy.ts';
import { documentOf } from '../lab/commands.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import type { Daemon } from './testing/daemon.ts';
import { enroll, makeHost } from './testing/host.ts';

interface Preflight {
  readonly ready: boolean;
  readonly line: string;
  readonly checks: readonly { readonly name: string; readonly state: string; readonly code?: string }[];
}

let collector: RealCollector;
let served: Daemon;
const ask = (pin: string) => ['preflight', '--collector', collector.gateway, '--pin', pin];

beforeAll(async () => {
  collector = await makeCollector();
  served = await collector.serve();
});

describe('when a machine is looked at before it is enrolled', () => {
  it('it is ready in one line, every check is in the document, and nothing was made or written', async () => {
    const host = await makeHost({ name: 'new' });
    const { exitCode, stdout } = await host.agent(ask(collector.pin));
    const { ready, line, checks } = documentOf<Preflight>(await host.agent([...ask(collector.pin), '--json']));

    expect({ exitCode, ready }).toEqual({ exitCode: 0, ready: true });
    expect(stdout).toMatch(/^ready: x64, .*clock right, wss:\/\/\S+ reached directly in \d+ ms.*\n$|^ready: arm64, /);
    expect(line).toContain('glibc');
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['platform', 'libc', 'kernel', 'disk', 'user', 'clock', 'collector', 'packages']),
    );
    expect(existsSync(host.stateDir)).toBe(false);
  });

  it('another pin, and a proxy that reads along, are not ready with 3; each failed check has a line with --verbose', async () => {
    const proxy = await startProxy({ behaviour: 'intercept' });
    const host = await makeHost({ name: 'between', settings: { proxy: `http://127.0.0.1:${proxy.port}` } });
    const other = await (await makeHost({ name: 'other' })).agent(ask(`sha256:${'0'.repeat(64)}`));
    const between = await host.agent([...ask(collector.pin), '--verbose']);

    expect(other).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/^not ready: PIN_MISMATCH .*; do: .*\n$/),
    });
    expect(between.exitCode).toBe(3);
    expect(between.stdout.split('\n')).toHaveLength(3);
    expect(between.stdout).toMatch(/^not ready: PIN_MISMATCH .*\n {2}PIN_MISMATCH .*TLS is intercepted/);
  });

  it('a pin that is none, or settings that are wrong, end with 2', async () => {
    expect((await (await makeHost({ name: 'typo' })).agent(ask('sha256:12'))).exitCode).toBe(2);
    const host = await makeHost({ name: 'wrong', settings: { mode: 'all' } });
    expect(await host.agent(['preflight'])).toMatchObject({ exitCode: 2, error: { code: 'SETTINGS_INVALID' } });
  });
});

describe('when a machine is enrolled', () => {
  it('it knows its collector and pin by itself, and says with 4 that it cannot be reached any more', async () => {
    const host = await makeHost({ name: 'known' });
    await enroll(collector, host);
    const ready = await host.agent(['preflight']);
    await served.kill('SIGTERM');
    const gone = await host.agent(['preflight']);

    expect(ready).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`${collector.gateway} reached directly`),
    });
    expect(ready.stdout).not.toContain('not proven');
    expect(gone).toMatchObject({
      exitCode: 4,
      stdout: expect.stringMatching(/^not ready: UNREACHABLE .*refuses connections; do: /),
    });
  });
});
