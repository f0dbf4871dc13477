// The load of the collector in Prometheus' text format 0.0.4. Pure; names and labels are fixed, never from outside.
import { HOST_STATES, type HostState } from '../host-state.ts';
import type { Load } from './meter.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const MS_PER_SECOND = 1000;

/** How many machines are in each row of coverage. */
interface Covered {
  readonly basis: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly expected: number;
  readonly unexpected: number;
  readonly oldestList: { readonly at: string } | null;
}

type Sample = readonly [labels: string, value: number];

/** One line for what it is, one for its type, one per sample. */
export function exposition(load: Load, hosts: Readonly<Record<HostState, number>>, covered: Covered): string {
  const { p50Ms, p99Ms, maxMs } = load.eventLoop;
  const seconds = (ms: number) => ms / MS_PER_SECOND;
  const refused = Object.entries(load.refused).sort(([a], [b]) => (a < b ? -1 : 1));

  return [
    family('event_loop_lag_seconds', 'gauge', 'Lateness of the event loop over the last half to one minute', [
      ['{quantile="0.5"}', seconds(p50Ms)],
      ['{quantile="0.99"}', seconds(p99Ms)],
      ['{quantile="1"}', seconds(maxMs)],
    ]),
    family('resident_memory_bytes', 'gauge', 'Resident memory of the collector', [['', load.residentBytes]]),
    family(
      'hosts',
      'gauge',
      'Enrolled machines; only those in state active are in any other number',
      HOST_STATES.map((state) => [`{state="${state}"}`, hosts[state]] as const),
    ),
    family('connections', 'gauge', 'Connections of hosts', [['', load.connections]]),
    family('strangers', 'gauge', 'Sockets that have not proven who they are', [['', load.strangers]]),
    family('sockets_total', 'counter', 'TCP connections to the gateway', [
      ['{outcome="accepted"}', load.accepted],
      ['{outcome="shed"}', load.shedding],
    ]),
    family('handshakes_total', 'counter', 'TLS handshakes of the gateway', [
      ['{outcome="done"}', load.handshakes],
      ['{outcome="failed"}', load.handshakesFailed],
    ]),
    family('frames_total', 'counter', 'Frames exchanged with hosts', [
      ['{direction="in"}', load.framesIn],
      ['{direction="out"}', load.framesOut],
    ]),
    family('received_bytes_total', 'counter', 'Bytes of frames from hosts', [['', load.bytesIn]]),
    family('intake_commits_total', 'counter', 'Durable messages committed', [['', load.commits]]),
    family('intake_waiting', 'gauge', 'Frames that wait to be handled', [['', load.waiting]]),
    family(
      'refused_total',
      'counter',
      'Upgrades, connections and messages refused, by code',
      refused.map(([code, count]) => [`{code="${code}"}`, count] as const),
    ),
    family(
      'machines',
      'gauge',
      'Machines that ought to exist, each in one row; they add up to machines_expected',
      Object.entries(covered.counts).map(([row, count]) => [`{row="${row}"}`, count] as const),
    ),
    family('machines_expected', 'gauge', 'The whole of every share: the machines that lists name, or those known', [
      [`{basis="${covered.basis}"}`, covered.expected],
    ]),
    family('machines_unexpected', 'gauge', 'Machines that are known and on no list', [['', covered.unexpected]]),
    ...(covered.oldestList === null
      ? []
      : [
          family('machines_list_timestamp_seconds', 'gauge', 'When the oldest list of machines was written', [
            ['', Math.floor(Date.parse(covered.oldestList.at) / MS_PER_SECOND)],
          ]),
        ]),
  ].join('');
}

/** One family of samples; `name` without its prefix. */
export function family(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  const full = `selvage_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${labels} ${value}\n`);

  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}
