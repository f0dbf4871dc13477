// A gateway with real store, intake and enrollment in a process of its own, for tests that look at what it does from
// outside. It counts calls of the expensive functions that are left after it started; a line on stdin asks for them.
// Arguments: folder. Prints one JSON line when it listens, and one per question.
import crypto, { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import zlib from 'node:zlib';

const calls = new Map<string, number>();
/** Replaces a function of a built-in module by one that counts and then does the same. */
function count(owner: object, name: string, label: string): void {
  const functions = owner as Record<string, unknown>;
  const original = functions[name];
  if (typeof original !== 'function') throw new TypeError(`there is no ${label}`);
  functions[name] = function counted(this: unknown, ...args: unknown[]) {
    calls.set(label, (calls.get(label) ?? 0) + 1);

    return Reflect.apply(original, this, args);
  };
}

for (const [module, label] of [
  [fs, 'fs'],
  [zlib, 'zlib'],
] as const) {
  const writable = Object.entries(Object.getOwnPropertyDescriptors(module)).filter(
    ([, each]) => each.writable === true,
  );
  for (const [name, { value }] of writable) {
    // Some are listed and undefined on this system.
    if (name.endsWith('Sync') && typeof value === 'function') count(module, name, `${label}.${name}`);
  }
}
for (const name of [
  'sign',
  'verify',
  'generateKeyPairSync',
  'createPrivateKey',
  'pbkdf2Sync',
  'scryptSync',
  'randomFillSync',
]) {
  count(crypto, name, `crypto.${name}`);
}
count(X509Certificate.prototype, 'verify', 'X509Certificate.verify');
syncBuiltinESMExports();

// Everything of ours is loaded after the functions were replaced.
const { silentLog } = await import('@selvage/shared/log/log.ts');
const { systemRandom } = await import('@selvage/shared/random.ts');
const { systemClock } = await import('@selvage/shared/time/clock.ts');
const { makeAuthority, makeServerIdentity } = await import('../../enrollment/authorities.ts');
const { createEnrollment } = await import('../../enrollment/enrollment.ts');
const { enrollmentRoutes } = await import('../../enrollment/routes.ts');
const { Events } = await import('../../events.ts');
const { createIntake } = await import('../../intake/intake.ts');
const { openStore } = await import('../../store/store.ts');
const { startGateway } = await import('../gateway.ts');

const folder = process.argv[2] ?? '.';
const clock = systemClock;
const at = { now: clock.now(), random: systemRandom };
const store = await openStore({ file: join(folder, 'traced.sqlite'), clock });
const events = new Events();
const [hosts, admins] = [makeAuthority('hosts', at), makeAuthority('admins', at)];
const enrollment = createEnrollment({
  ...{ store, hosts, admins, clock, random: systemRandom, events },
  root: async () => Buffer.from('{}'),
});
const gateway = await startGateway({
  ...{ store, clock, events, log: silentLog, intake: createIntake({ store, clock, events }) },
  tls: { ...makeServerIdentity(hosts, ['127.0.0.1'], at), hostsAuthority: hosts.certificate },
  enrollmentRoutes: enrollmentRoutes(enrollment),
  listen: { host: '127.0.0.1', port: 0 },
});
const { token } = await enrollment.createToken({
  kind: 'host',
  boundTo: 'web-1',
  ttlMs: 3_600_000,
  createdBy: 'admin:a',
});
process.stdout.write(`${JSON.stringify({ port: gateway.port, authority: hosts.certificate, token })}\n`);

for await (const question of createInterface({ input: process.stdin })) {
  if (question === 'end') break;
  process.stdout.write(`${JSON.stringify({ calls: Object.fromEntries(calls) })}\n`);
  calls.clear();
}
await gateway.close();
await store.close();
