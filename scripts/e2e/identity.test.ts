// Who may come in, through the real commands and real processes: tokens that are not (or no longer) good, revocation of a
// connected host, and a host that speaks for another.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '@selvage/shared/time/clock.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { documentOf, succeeded } from '../lab/commands.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector, type TokenDocument } from './testing/collector.ts';
import type { Daemon } from './testing/daemon.ts';
import { enroll, makeHost, type RealHost } from './testing/host.ts';
import { idOf, prepareResults, report } from './testing/report.ts';

const DEADLINE_MS = 120_000;
/** Milliseconds within which "at once" must hold, on a machine that is busy with other tests; a heartbeat is 30 s. */
const AT_ONCE_MS = 15_000;

let collector: RealCollector;
let serving: Daemon;
const ledger = () => collector.withStore((store) => store.read.audit.after(0, 1000));
const tokenFor = async (name: string) =>
  documentOf<TokenDocument>(await collector.selvage(['token', 'create', '--host', name, '--json']));
const rowOf = async (name: string) => {
  const { hosts } = documentOf<{ hosts: { name: string; state: string; connected: boolean }[] }>(
    await collector.selvage(['host', 'list', '--all', '--json']),
  );

  return hosts.filter((host) => host.name === name);
};
beforeAll(async () => {
  collector = await makeCollector();
  serving = await collector.serve();
});

describe('when a host comes with a token that is not good', () => {
  let host: RealHost;
  const attempt = (token: string, { name = 'db-1', pin = collector.pin } = {}) =>
    host.agent(['enroll', '--collector', collector.gateway, '--pin', pin, '--token', token, '--name', name]);
  beforeAll(async () => {
    host = await makeHost({ name: 'db-1' });
  });

  it.each<[string, string, () => Promise<{ token: string; name?: string; pin?: string }>]>([
    ['expired', 'TOKEN_EXPIRED', async () => ({ token: await expiredToken('db-1') })],
    ['made for another host', 'TOKEN_WRONG_HOST', async () => ({ token: (await tokenFor('db-2')).token })],
    ['revoked', 'TOKEN_REVOKED', async () => ({ token: await revokedToken('db-1') })],
    ['unknown', 'TOKEN_UNKNOWN', async () => ({ token: `slv_${'A'.repeat(43)}` })],
    [
      'good, but the pin is of another collector',
      'PIN_MISMATCH',
      async () => ({ token: (await tokenFor('db-1')).token, pin: `sha256:${'0'.repeat(64)}` }),
    ],
  ])('%s: it is refused with 3 and its code, and leaves nothing behind', async (_what, code, make) => {
    const { token, ...rest } = await make();
    const { exitCode, error, stderr, stdout } = await attempt(token, rest);

    expect({ exitCode, code: error?.code, stdout }).toEqual({ exitCode: 3, code, stdout: '' });
    expect(stderr).toMatch(/^next: \S/m);
    expect(stderr).not.toContain(token);
    expect(existsSync(join(host.stateDir, 'identity/enrollment.json'))).toBe(false);
    expect(await rowOf('db-1')).toEqual([]);
  });

  it('used already: the one it was made for stays, a second machine gets nothing', async () => {
    const { token } = await tokenFor('db-1');
    succeeded(await attempt(token));
    const thief = await makeHost({ name: 'db-1' });
    const contact = ['--collector', collector.gateway, '--pin', collector.pin, '--name', 'db-1'];
    const { exitCode, error } = await thief.agent(['enroll', ...contact, '--token', token]);

    expect({ exitCode, code: error?.code }).toEqual({ exitCode: 3, code: 'TOKEN_USED' });
    expect(existsSync(join(thief.stateDir, 'identity/enrollment.json'))).toBe(false);
    expect(await rowOf('db-1')).toEqual([expect.objectContaining({ state: 'active' })]);
  });
});

describe('when a connected host is revoked', () => {
  it('its connection is closed at once, and its certificate is worth nothing afterwards', async () => {
    const host = await makeHost({ name: 'web-1' });
    await enroll(collector, host);
    const agent = host.start(['connect']);
    await agent.line(/^connected to collector/);
    expect(await rowOf('web-1')).toEqual([expect.objectContaining({ connected: true })]);

    const told = agent.line(/^disconnected: HOST_REVOKED: /);
    succeeded(await collector.selvage(['host', 'revoke', 'web-1']));
    const answered = performance.now();
    await told;
    expect(performance.now() - answered).toBeLessThan(AT_ONCE_MS);
    expect(await rowOf('web-1')).toEqual([expect.objectContaining({ state: 'revoked', connected: false })]);

    await agent.kill('SIGKILL');
    const again = host.start(['connect']);
    await again.line(/^disconnected: HOST_REVOKED: /);
    await again.kill('SIGTERM');
    const { stdout } = await host.agent(['status']);
    expect(stdout).toMatch(/^wrong {8}HOST_REVOKED: /m);
    expect(stdout).toMatch(/^ +next: /m);
  });
});

describe('when a host reports in the name of another', () => {
  it('is refused by name, recorded, and neither host has that result', async () => {
    const [honest, taken] = [await makeHost({ name: 'app-1' }), await makeHost({ name: 'app-2' })];
    await enroll(collector, honest);
    await enroll(collector, taken);
    await prepareResults(taken);
    await report(taken, idOf(honest));
    await report(taken);
    const first = taken.start(['connect']);
    await first.line(/^disconnected: FRAME_WRONG_HOST: /);
    await serving.line(/app-2 disconnected \(FRAME_WRONG_HOST\)/);
    await first.kill('SIGTERM');
    expect((await taken.agent(['status'])).stdout).toMatch(/^wrong {8}FRAME_WRONG_HOST: /m);

    // What came after it is not lost with it, and it does not come again: it would be refused for ever.
    const again = taken.start(['connect']);
    await waitFor(
      'the honest result',
      async () => ((await resultsOf(taken)).length > 0 ? true : null),
      DEADLINE_MS,
      () => [again.lines, serving.lines.slice(-10)],
    );
    expect(await resultsOf(honest)).toEqual([]);
    expect(await resultsOf(taken)).toEqual([expect.objectContaining({ number: 2, hostId: idOf(taken) })]);
    expect((await ledger()).filter(({ action }) => action === 'message.refused')).toEqual([
      expect.objectContaining({ details: expect.objectContaining({ code: 'FRAME_WRONG_HOST' }) }),
    ]);
  });
});

const resultsOf = async (host: RealHost) =>
  (await collector.withStore((store) => store.read.results.ofHost(idOf(host), 10))).map(({ result }) => result);

/** As if it had been made yesterday. */
async function expiredToken(boundTo: string): Promise<string> {
  return collector.withStore(async (store) => {
    const yesterday: Clock = { ...systemClock, now: () => systemClock.now().subtract({ hours: 24 }) };
    const enrollment = await collector.enrollment(store, yesterday);
    const { token } = await enrollment.createToken({ kind: 'host', boundTo, ttlMs: 3_600_000, createdBy: 'admin' });

    return token;
  });
}

async function revokedToken(name: string): Promise<string> {
  const { id, token } = await tokenFor(name);
  succeeded(await collector.selvage(['token', 'revoke', id]));

  return token;
}
