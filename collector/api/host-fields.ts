// The fields by which hosts are selected in lists, one line each: a new one is a line here. Labels of every origin count,
// because a list changes nothing; what policies select by is another vocabulary (shared/policy/select.ts).
import { MODES } from '@selvage/shared/model/ids.ts';
import { type Section, type SectionName, TAKEOVER_STATES } from '@selvage/shared/model/inventory.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import { osTexts } from '@selvage/shared/select/os.ts';
import type { Field, Texts, Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import type { HostRecord } from '../store/ports.ts';
import type { HostSummary } from './host-view.ts';

export interface HostFacts {
  /** As lists show it; a machine that is known from a file has no mode. */
  readonly row: Omit<HostSummary, 'state' | 'mode' | 'enrolledAt'> & {
    readonly state: HostSummary['state'] | 'imported' | 'missing';
    readonly mode: HostSummary['mode'] | null;
    readonly enrolledAt: string | null;
  };
  /** Null for a machine that has no agent. */
  readonly record: HostRecord | null;
  /** By origin: the host's own settings (null while it has not reported), signed host groups, the collector. */
  readonly labels: {
    readonly host: Labels | null;
    readonly signed: Labels;
    /** Those that groups may give: what is not known of the host decides. */
    readonly open?: ReadonlySet<string>;
    readonly collector: Labels;
  };
  /** When something else than Selvage changed its packages last, null: never; looked up where a text asks for it. */
  readonly changedOutside?: string | null;
  /** Sections beyond those of the row, looked up where a text asks for one of their fields; null: not known. */
  readonly sections: { readonly [N in SectionName]?: Section<N> | null };
}

/** A host with an agent. */
export interface EnrolledFacts extends HostFacts {
  readonly row: HostSummary;
  readonly record: HostRecord;
}

/** Later than any time of asking. */
const ALWAYS = '9999-12-31T00:00:00Z';

/** Fields whose section is looked up only when a text names them. */
export const SECTION_OF_FIELD: Readonly<Record<string, SectionName>> = {
  kernel: 'kernel',
  address: 'network',
  updater: 'updaters',
  takeover: 'agent',
};

/** One of: waits to be accepted, lets itself be managed, trusted no more, machine no more, known from a file only, listed but never seen. */
const STATES = ['pending', 'active', 'revoked', 'retired', 'imported', 'missing'] as const;

const FIELDS: Readonly<Record<string, Field<HostFacts>>> = {
  name: { kind: 'text', about: 'name it enrolled by', of: ({ row }) => [row.name] },
  id: { kind: 'text', about: 'id in its certificate', of: ({ row }) => [row.id] },
  state: { kind: 'text', about: STATES.join(', '), of: ({ row }) => [row.state], values: STATES },
  mode: { kind: 'text', about: "mode of the host's own settings", of: ({ row }) => optional(row.mode), values: MODES },
  os: { kind: 'text', about: 'linux, debian (derivatives too) or debian-12', of: ({ row }) => osTexts(row.os) },
  owner: {
    kind: 'text',
    about: 'who answers for it; not owner=* for nobody',
    of: ({ row }) => optional(row.owner),
  },
  token: { kind: 'text', about: 'id of the token it enrolled by', of: ({ record }) => optional(record?.token) },
  address: {
    kind: 'address',
    about: 'where it connected from, or (not pending) an address of its own',
    of: addressesOf,
  },
  agent: { kind: 'version', about: 'version of its agent', of: ({ row }) => row.agentVersion },
  kernel: {
    kind: 'version',
    about: 'release of the running kernel',
    of: ({ sections }) => sections.kernel?.running ?? null,
  },
  seen: {
    kind: 'age',
    about: 'time since the last contact: a connection is one, and so is its enrollment',
    of: seenOf,
  },
  enrolled: { kind: 'age', about: 'time since it enrolled', of: ({ row }) => ({ at: row.enrolledAt }) },
  inventory: { kind: 'age', about: 'age of its newest inventory', of: ({ row }) => ({ at: row.inventoryAt }) },
  upgradable: { kind: 'number', about: 'pending updates', of: ({ row }) => row.upgradable },
  security: { kind: 'number', about: 'pending security updates', of: ({ row }) => row.security },
  held: { kind: 'number', about: 'pending updates that the host holds back', of: ({ row }) => row.held },
  phased: { kind: 'number', about: 'pending updates that its archive still holds back', of: ({ row }) => row.phased },
  updater: { kind: 'text', about: 'another updater that is on: unattended-upgrades', of: updatersOf },
  takeover: { kind: 'text', about: TAKEOVER_STATES.join(', '), of: takeoverOf, values: TAKEOVER_STATES },
  'changed-outside': {
    kind: 'age',
    about: 'time since something else than Selvage changed its packages',
    of: ({ changedOutside }) => (changedOutside === undefined ? null : { at: changedOutside }),
  },
  connected: { kind: 'flag', about: 'has a connection now', of: ({ row }) => row.connected },
  reboot: { kind: 'flag', about: 'must be restarted', of: ({ row }) => row.rebootRequired },
  'cannot-read': {
    kind: 'text',
    about: 'kinds of documents, and fields, that its agent is too old for: it refuses policy with them',
    of: ({ row }) => row.cannotRead ?? null,
  },
  quarantined: {
    kind: 'flag',
    about: 'its identity was seen on two machines',
    of: ({ row }) => row.quarantine !== null,
  },
};

export const HOST_WORDS: Vocabulary<HostFacts> = { noun: 'hosts', fields: FIELDS, label: labelValues };

/** Every label name that a host has, of all origins. */
export function* labelNames({ labels: { host, signed, collector } }: HostFacts): Generator<string> {
  for (const one of [host ?? {}, signed, collector]) yield* Object.keys(one);
}

function labelValues({ labels: { host, signed, open, collector } }: HostFacts, name: string): Texts {
  const values = [host ?? {}, signed, collector].flatMap((one) => (Object.hasOwn(one, name) ? (one[name] ?? []) : []));

  return host === null || open?.has(name) ? { atLeast: values } : values;
}

/** The fields of a pending host that the collector knows by itself; all others, labels too, are the host's own word. */
export const SEEN_OF_PENDING: ReadonlySet<string> = new Set(['id', 'token', 'address', 'state', 'enrolled']);

/** No value is known to be none; a machine without a record has nothing to say. */
function optional(value: string | null | undefined): Texts {
  return value === undefined ? null : value === null ? [] : [value];
}

function seenOf({ row }: HostFacts) {
  // What is noted is a greeting or a report, and there may be days between two; whoever is connected is here.
  if (row.connected) return { at: ALWAYS, never: false };

  return { at: row.lastSeen ?? row.enrolledAt, never: row.lastSeen === null };
}

function updatersOf({ sections: { updaters } }: HostFacts): Texts {
  return updaters ? updaters.filter(({ enabled }) => enabled).map(({ name }) => name) : null;
}

function takeoverOf({ sections: { agent } }: HostFacts): Texts {
  return agent?.takeover ? [agent.takeover.state] : null;
}

function addressesOf({ row, record, sections }: HostFacts): Texts {
  const last = record?.lastAddress ? [record.lastAddress] : [];
  // Nobody has looked at it yet, and it may say what it likes of itself: by that it must not get accepted.
  if (row.state === 'pending') return last;
  const own = sections.network?.addresses.map(({ address }) => address);

  return own ? [...last, ...own] : { atLeast: last };
}
