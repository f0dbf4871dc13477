// A real store and intake with a keeper of history, and what a host sends. For tests only.
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Changes, Told, ToldChange } from '@selvage/shared/model/changes.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { INVENTORY, RESULTS, report, result, section } from '../../gateway/testing/messages.ts';
import { intakeLab } from '../../intake/testing/intake-lab.ts';
import { hostSample } from '../../store/samples.ts';
import { keepHistory } from '../keeper.ts';

const { host, make: makeLab } = intakeLab('history');
export const id = host.id as HostId;
const ENROLLED = Temporal.Instant.from(hostSample(1).enrolledAt);
export const at = (minutes: number) => ENROLLED.add({ minutes }).toString() as Timestamp;

const installed = (versions: Readonly<Record<string, string>>): InstalledPackage[] =>
  Object.entries(versions).map(([name, version]) => ({
    ...{ provider: 'apt', name, version, arch: 'amd64', source: name, sourceVersion: version },
    ...{ state: 'installed', held: false, installedAt: null },
  }));
export const change = (name: string, from: string | null, to: string | null): ToldChange => ({
  name,
  arch: 'amd64',
  from,
  to,
});
export const DAY = 86_400_000;
const hex = (number: number) => number.toString(16).padStart(32, '0');
export const told = (number: number, minutes: number, changes: Told['changes'], over: Partial<Told> = {}): Told => ({
  ...{ id: hex(number), source: 'apt', at: at(minutes), endedAt: at(minutes), certain: true, actor: 'anna (1000)' },
  ...{ command: 'apt install', run: null, problem: null, changes },
  ...over,
});
export const changesOf = (list: readonly Told[], over: Partial<Changes> = {}): Changes => ({
  ...{ complete: true, problems: [], told: list.toReversed() },
  ...over,
});

/** Of the result that a lab is going to get. */
export async function hashOfResult(upgrade: readonly ToldChange[]): Promise<string | undefined> {
  const { ran, store } = await make();
  await ran(1, 20, 'web/1', upgrade);

  return (await store.read.results.after(id, 0, 1))[0]?.payloadSha256;
}

export async function make() {
  const lab = await makeLab();
  let sequence = 0;
  let keeper = keepHistory({ ...lab, log: silentLog, events: lab.events }, { pauseMs: 0 });
  const send = (body: Parameters<typeof lab.send>[2]) => lab.send(INVENTORY, ++sequence, body);

  return {
    ...lab,
    post: send,
    idle: () => keeper.idle(),
    stop: () => keeper.close(),
    start: () => {
      keeper = keepHistory({ ...lab, log: silentLog, events: lab.events }, { pauseMs: 0 });

      return keeper.idle();
    },
    /** One inventory: packages (null: they could not be taken) and what the logs tell. */
    inventory: async (minutes: number, versions: Readonly<Record<string, string>> | null, changes: Changes | null) => {
      const states = [];
      for (const [name, data] of [
        ['packages', versions && installed(versions)],
        ['changes', changes],
      ] as const) {
        if (data === null) {
          states.push({ name, sha256: null, code: 'PACKAGE_MANAGER_LOCKED', reason: 'dpkg is at work' });
          continue;
        }
        const message = section(name, data);
        await send(message);
        states.push({ name, sha256: message.sha256, code: '', reason: '' });
      }
      await send(report(states, at(minutes)));
      await keeper.idle();
    },
    ran: async (
      number: number,
      minutes: number,
      run: string,
      upgrade: readonly ToldChange[],
      outcome = 'installed',
    ) => {
      const transaction = { install: [], upgrade, downgrade: [], remove: [], downloadBytes: null };
      const extra = { run, outcome, transaction, startedAt: at(minutes), finishedAt: at(minutes) };
      await lab.send(RESULTS, number, result(host, number, { extra }));
      await keeper.idle();
    },
    rows: async () =>
      (await lab.store.read.changes.near(id, 0)).map(({ source, verdict, changes }) => ({
        ...{ source, verdict },
        changes: changes.map(({ name, from, to }) => `${name} ${from ?? '-'} ${to ?? '-'}`),
      })),
    entries: async () =>
      (await lab.store.read.audit.after(0, 1000)).filter(({ action }) => action === 'host.changed-outside'),
  };
}
