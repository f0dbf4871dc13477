// Reads what alarms are about: certificates, the store and the policy repository. It judges nothing; ./alarms.ts does.
import { X509Certificate } from 'node:crypto';
import { monthOf } from '@selvage/shared/policy/roles.ts';
import type { Feeds } from '../feeds/feeds.ts';
import { counts } from '../host-state.ts';
import type { PolicyRepository } from '../policy/repository.ts';
import type { HostRecord, Readers } from '../store/ports.ts';
import type { AlarmFacts, EndingKind } from './alarms.ts';
import type { HeldPolicy } from './held.ts';

export interface FactSources {
  readonly store: { readonly read: Pick<Readers, 'hosts' | 'admins' | 'inventory'> };
  readonly policy: Pick<PolicyRepository, 'current'>;
  readonly held: Pick<HeldPolicy, 'ahead' | 'refusing'>;
  readonly feeds?: Pick<Feeds, 'list'>;
  /** PEM of what this process trusts and shows, by kind; asked each time, because some are replaced while it runs. */
  readonly certificates: () => readonly { readonly kind: EndingKind; readonly pem: string }[];
}

const ONLINE: readonly string[] = ['snapshot', 'timestamp'];

export async function readFacts({ store, policy, held, feeds, certificates }: FactSources): Promise<AlarmFacts> {
  const [hosts, admins, current, fallen, feedViews] = await Promise.all([
    store.read.hosts.list(),
    store.read.admins.list(),
    policy.current(),
    fallenBack(store.read.inventory),
    feeds?.list() ?? [],
  ]);
  const { expires, versions } = current.policy;
  const roles = Object.entries(expires).filter(([role]) => monthOf(role) === null && !ONLINE.includes(role));

  return {
    ends: [
      ...certificates().map(({ kind, pem }) => ({ kind, subject: '', ends: endOf(pem) })),
      ...admins
        .filter(({ state }) => state === 'active')
        .map(({ name, certificateExpires }) => ({
          kind: 'admin-certificate' as const,
          subject: name,
          ends: certificateExpires,
        })),
      ...roles.map(([role, ends]) => ({
        kind: role === 'root' ? ('root' as const) : ('role' as const),
        subject: role === 'root' ? '' : role,
        ends,
      })),
    ],
    online: { snapshot: expires.snapshot ?? '', timestamp: current.expires },
    hosts: hosts.filter(isOurs).map((host) => ({ name: host.name, ends: laterEnd(host) })),
    doubts: hosts.filter(isInDoubt).map(({ name, quarantine, knock }) => ({ name, quarantine, knock })),
    handedBack: hosts.filter(isOurs).flatMap(({ id, name }) => {
      const since = fallen.get(id);

      return since === undefined ? [] : [{ name, since }];
    }),
    feeds: feedViews,
    behind: held.ahead(versions),
    refusing: held.refusing(),
    roots: versions.root ?? 0,
    acceptances: current.documents.flatMap(({ document }) => (document.kind === 'RiskAcceptance' ? [document] : [])),
  };
}

/** Hosts in a fallback, with the time since when. */
async function fallenBack(inventory: Readers['inventory']): Promise<ReadonlyMap<string, string | null>> {
  const found = new Map<string, string | null>();
  for await (const { host, data } of inventory.eachSection('agent')) {
    if (data?.takeover?.state === 'fallback') found.set(host, data.takeover.since);
  }

  return found;
}

/** Revoked hosts are to stay away, quarantined ones are shown as such, and pending ones may be anybody's. */
function isOurs(host: HostRecord): boolean {
  return counts(host) && host.quarantine === null;
}

/** A door that an admin has opened is decided upon, and a knock that was answered is over. */
function isInDoubt(host: HostRecord): boolean {
  const { quarantine, knock, readmit } = host;
  const knocks = knock !== null && !knock.answered && readmit === null;

  return counts(host) && (quarantine !== null || knocks);
}

function laterEnd({ certificateExpires, next }: HostRecord): string {
  if (next === null) return certificateExpires;
  const ends = [certificateExpires, next.expires].map((end) => Temporal.Instant.from(end));

  return String(ends.toSorted(Temporal.Instant.compare).at(-1));
}

function endOf(pem: string): string {
  return Temporal.Instant.fromEpochMilliseconds(new X509Certificate(pem).validToDate.getTime()).toString();
}
