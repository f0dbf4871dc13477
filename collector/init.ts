// Makes the home of a new collector: two authorities, the policy root with the first admin's key, online keys, database,
// settings. Everything is made beside its place and moved there; settings.json is written last.
// INVARIANTS: a home with settings.json is never touched; what an interrupted init left behind is recognised and replaced.
import { rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { createSigningKey, type SigningKey } from '@selvage/shared/policy/keys.ts';
import { createRepository } from '@selvage/shared/policy/sign.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { restoringIn } from './backup/restore.ts';
import { AdminFolder } from './cli/admin-folder.ts';
import type { InitOptions, InitResult } from './cli/cli.ts';
import { makeAuthority } from './enrollment/authorities.ts';
import { createEnrollment } from './enrollment/enrollment.ts';
import { Events } from './events.ts';
import { collectorFilesIn, type Home, JSON_LIMIT_BYTES, writeOnlineKeys, writePair } from './home.ts';
import { initializePolicy } from './policy/initialize.ts';
import { urlsOf } from './serve.ts';
import {
  type CollectorSettings,
  DEFAULT_API_PORT,
  DEFAULT_GATEWAY_PORT,
  decodeSettings,
  type Environment,
} from './settings.ts';
import { openStore } from './store/store.ts';

export interface InitDeps {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: Random;
  /** As `serve` reads it: who is told where this collector is must be told where it will be. */
  readonly environment: Environment;
}

const FOLDER_MODE = 0o700;
const TOKEN_MS = 60_000;

/** Throws ALREADY_EXISTS when there is a collector (or another collector's admin) in the home, SETTINGS_INVALID. */
export async function initHome(options: InitOptions, deps: InitDeps): Promise<InitResult> {
  const { home, environment } = deps;
  const building = join(home.root, '.init');
  await refuseExisting(home, building);
  const settings = await settingsOf(options, home, environment);

  await makeFolder(home.root, FOLDER_MODE);
  await rm(building, { recursive: true, force: true });
  await makeFolder(building, FOLDER_MODE);
  const made = await build(options.admin, settings, building, deps);
  await rename(join(building, 'collector'), home.collector.folder);
  await rename(join(building, 'admin'), home.admin);
  await writeDurable(home.settings, `${JSON.stringify(settings, null, 2)}\n`);
  await rm(building, { recursive: true, force: true });

  return { ...made, home: home.root, admin: options.admin, ...urlsOf(settings, portsOf(settings)) };
}

async function refuseExisting(home: Home, building: string): Promise<void> {
  if ((await readBounded(home.settings, JSON_LIMIT_BYTES)) !== null) {
    throw new CodedError('ALREADY_EXISTS', `there is a collector in ${home.root} already; nothing was changed`, {
      next: 'start it with: selvage serve (or choose another SELVAGE_HOME)',
    });
  }
  if (await exists(restoringIn(home))) {
    throw new CodedError('ALREADY_EXISTS', `a restore was cut off in ${home.root}; nothing was changed`, {
      next: 'run it again: selvage restore FOLDER',
    });
  }
  // An init that was cut off before its last step: nothing was ever served from what it left.
  const unfinished = await exists(building);

  for (const folder of [home.collector.folder, home.admin]) {
    if (!(await exists(folder))) continue;
    if (!unfinished) {
      throw new CodedError('ALREADY_EXISTS', `${folder} is there already; nothing was changed`, {
        next: 'choose another SELVAGE_HOME, or move that folder away',
      });
    }
    await rm(folder, { recursive: true });
  }
}

async function build(
  admin: string,
  settings: CollectorSettings,
  building: string,
  { clock, random }: InitDeps,
): Promise<Pick<InitResult, 'gatewayPin' | 'apiPin' | 'keyId'>> {
  const files = collectorFilesIn(join(building, 'collector'));
  const folder = new AdminFolder(join(building, 'admin'));
  await makeFolder(files.folder, FOLDER_MODE);
  const at = { now: clock.now(), random };
  const hosts = makeAuthority('hosts', at);
  const admins = makeAuthority('admins', at);
  const online = { snapshot: createSigningKey(), timestamp: createSigningKey() };
  const signing = createSigningKey();
  await writePair(files.hostsAuthority, hosts);
  await writePair(files.adminsAuthority, admins);
  await writeOnlineKeys(files, online);
  const store = await openStore({ file: files.database, clock });

  try {
    const proposal = createRepository({ admins: [signing], threshold: 1, signers: [signing], online, now: at.now });
    const events = new Events();
    const root = await initializePolicy({ store, keys: online, clock, proposal });
    const enrollment = createEnrollment({ store, hosts, admins, root: async () => root, clock, random, events });
    const identity = await firstAdmin(enrollment, admin, signing);
    const apiPin = await enrollment.pin('admins');
    await folder.save({
      ...identity,
      root,
      config: { name: admin, url: urlsOf(settings, portsOf(settings)).api, pin: apiPin },
    });
    await folder.addSigningKey(signing);

    return { gatewayPin: await enrollment.pin('hosts'), apiPin, keyId: signing.keyId };
  } finally {
    await store.close();
  }
}

/** The first admin comes the way every other does: a one-time token, redeemed by a key of their own. */
async function firstAdmin(
  enrollment: ReturnType<typeof createEnrollment>,
  name: string,
  signing: SigningKey,
): Promise<{ readonly authority: string; readonly certificate: string; readonly privateKey: string }> {
  const { privateKey } = generateKey();
  const { token } = await enrollment.createToken({
    kind: 'admin',
    boundTo: name,
    role: 'admin',
    ttlMs: TOKEN_MS,
    createdBy: 'collector',
  });
  const csr = createRequest({ commonName: name, privateKey });
  const answer = await enrollment.enrollAdmin({ token, name, csr, keyId: signing.keyId });

  return { ...answer, privateKey };
}

async function settingsOf(options: InitOptions, home: Home, environment: Environment): Promise<CollectorSettings> {
  const { listen, names, freePorts } = options;
  const gatewayPort = options.gatewayPort ?? (await usualOrFree(DEFAULT_GATEWAY_PORT, listen, freePorts));
  const apiPort = options.apiPort ?? (await usualOrFree(DEFAULT_API_PORT, listen, freePorts));

  // On one machine people read the events; the log is for those who look for a cause.
  const logLevel = freePorts ? 'warn' : 'info';

  return decodeSettings(JSON.stringify({ listen, names, gatewayPort, apiPort, logLevel }), home.settings, environment);
}

function portsOf({ gatewayPort, apiPort }: CollectorSettings): { readonly gateway: number; readonly api: number } {
  return { gateway: gatewayPort, api: apiPort };
}

async function usualOrFree(usual: number, listen: string, freePorts: boolean): Promise<number> {
  if (!freePorts) return usual;

  return (await portFor(usual, listen)) ?? (await portFor(0, listen)) ?? usual;
}

/** The port that listening on `port` gives, null when it is taken. */
function portFor(port: number, host: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (hasErrno(error, 'EADDRINUSE', 'EACCES') ? resolve(null) : reject(error)));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);

    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
