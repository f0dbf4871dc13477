// The page of `selvage-agent status`: at most ten lines, whatever is wrong. Who I am, mode, connected since, last inventory,
// trust, next window, what waits and why, what is wrong and what to do. Pure; the facts are gathered in ./status.ts.
import { formatDuration } from '@selvage/shared/time/duration.ts';
import type { TakeoverFacts } from '../updaters/takeover/state.ts';
import type { LinkFacts } from './link-report.ts';
import type { Overdue } from './overdue.ts';

export interface Wrong {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

export interface Status {
  readonly version: string;
  readonly mode: string;
  /** Whether the other updaters of this host were taken over; null when it cannot be told. */
  readonly takeover: TakeoverFacts | null;
  readonly host: {
    readonly id: string;
    readonly name: string;
    readonly collector: string;
    readonly pin: string;
  } | null;
  readonly certificate: { readonly state: string; readonly expires: string } | null;
  readonly link: LinkFacts | null;
  /** The last one that was handed to the connection; null before the first. */
  readonly inventory: {
    readonly takenAt: string;
    readonly packages: number | null;
    /** Null: unknown, which is not zero. */
    readonly updates: number | null;
    readonly security: number | null;
    /** Sections that could not be taken. */
    readonly unknown: readonly string[];
  } | null;
  /** Policies that select this host, and the window that opens next; null when that cannot be told. */
  readonly windows: {
    readonly policies: readonly string[];
    readonly next: { readonly window: string; readonly opens: string; readonly closes: string } | null;
  } | null;
  /** Null when it cannot be told. */
  readonly waiting: readonly { readonly fix: string; readonly verdict: string; readonly why: string }[] | null;
  /** What of this host's trust ends soon, has ended or was not renewed. */
  readonly overdue: readonly Overdue[];
  readonly wrong: readonly Wrong[];
}

/** Lines of the page; a test holds every combination against it. */
export const MAX_LINES = 10;
/** Longer sentences are cut: the whole of them is in `--json`. */
const MAX_CHARACTERS = 160;
const LABEL = 13;
const MORE = 'selvage-agent plan';
const ALL = 'selvage-agent status --json';

export function statusPage(status: Status, now: Temporal.Instant): readonly string[] {
  const troubles = [
    ...status.wrong.map(({ code, message, next }) => ({ said: `${code}: ${message}`, next })),
    ...status.overdue.map(({ message, stops, next }) => ({ said: `${message}; then ${stops}`, next })),
  ];
  const [first, ...others] = troubles;

  return [
    line('host', who(status)),
    line('mode', mode(status)),
    line('connected', connected(status, now)),
    line('inventory', inventory(status, now)),
    line('trust', trust(status, now)),
    line('next window', nextWindow(status, now)),
    line('waits', waits(status)),
    line('wrong', first?.said ?? 'nothing known'),
    ...(first ? [line('  next:', first.next)] : []),
    ...(others.length > 0 ? [line('also wrong', also(others))] : []),
  ];
}

function line(label: string, text: string): string {
  const shown = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 3)}...` : text;

  return `${label.padEnd(LABEL)}${shown}`;
}

function who({ host, version }: Status): string {
  return host ? `${host.name}  ${host.id}, agent ${version}, enrolled with ${host.collector}` : 'not enrolled';
}

function mode(status: Status): string {
  return `${modeAndPolicy(status)}${taken(status)}`;
}

function taken({ takeover, mode: own, wrong }: Status): string {
  const beside = wrong.some(({ code }) => code === 'OTHER_UPDATER_ACTIVE');

  switch (takeover?.state) {
    case 'taken':
      if (own !== 'managed') return '; taken over: nobody updates this host';

      return beside ? '; taken over, but not from all' : '; taken over: it alone updates this host';
    case 'fallback':
      return '; handed back to the other updaters (fallback)';
    case 'released':
      return '; released to the other updaters';
    default:
      return '';
  }
}

function modeAndPolicy({ mode: own, windows }: Status): string {
  if (own === 'observe') return 'observe: looks and reports, installs nothing';
  if (!windows) return `${own}, no signed policy accepted yet`;
  const policies = windows.policies.length === 0 ? 'no policy selects this host' : `by ${windows.policies.join(', ')}`;

  return `${own === 'advise' ? 'advise: plans, never installs' : own}, ${policies}`;
}

function connected({ link }: Status, now: Temporal.Instant): string {
  if (!link) return 'never; the resident agent has not run yet (selvage-agent connect)';
  if (!link.connectedSince) return `no, last ${ago(link.lastConnected, now)}`;
  const skew = Math.abs(link.clockSkewMs ?? 0);
  const clock = skew < NOTED_SKEW_MS ? '' : `, this clock is ${formatDuration(skew)} off the collector's`;

  return `since ${link.connectedSince} (${age(link.connectedSince, now)})${clock}`;
}

/** A clock that is off by less disturbs nobody. */
const NOTED_SKEW_MS = 60_000;

function inventory({ inventory: last }: Status, now: Temporal.Instant): string {
  if (!last) return 'none taken yet';
  const { packages, updates, security, unknown } = last;
  const pending = updates === null ? 'updates unknown' : `${count(updates, 'update')} (security ${security ?? '?'})`;
  const gaps = unknown.length === 0 ? '' : `, not known: ${unknown.join(', ')}`;

  return `${ago(last.takenAt, now)}: ${packages === null ? 'packages unknown' : count(packages, 'package')}, ${pending}${gaps}`;
}

function count(number: number, of: string): string {
  return `${number} ${of}${number === 1 ? '' : 's'}`;
}

function trust({ certificate, link }: Status, now: Temporal.Instant): string {
  const policy = link?.policy == null ? 'no policy copied yet' : `policy ${link.policy} copied`;
  if (!certificate) return policy;
  const left = Temporal.Instant.from(certificate.expires).since(now).total('milliseconds');
  const when = left <= 0 ? `ended ${formatDuration(-left)} ago` : `for ${formatDuration(left)} more`;

  return `certificate ${certificate.state}, ${when}; ${policy}`;
}

function nextWindow({ windows }: Status, now: Temporal.Instant): string {
  if (!windows) return 'unknown';
  const { next } = windows;
  if (!next) return windows.policies.length === 0 ? 'none' : 'none; its lanes need no window, or have no opening left';
  const opens = Temporal.Instant.from(next.opens);
  const closes = Temporal.Instant.from(next.closes).since(now).total('milliseconds');

  return Temporal.Instant.compare(opens, now) <= 0
    ? `${next.window} is open for ${formatDuration(closes)} more`
    : `${next.window} opens ${next.opens} (in ${formatDuration(opens.since(now).total('milliseconds'))})`;
}

function waits({ waiting }: Status): string {
  if (waiting === null) return 'unknown';
  const [first, ...others] = waiting;
  if (!first) return 'nothing';
  const more = others.length === 0 ? '' : ` (and ${others.length} more: ${MORE})`;
  const room = MAX_CHARACTERS - more.length;
  const text = `${first.fix}: ${first.why}`;

  return `${text.length > room ? `${text.slice(0, room - 3)}...` : text}${more}`;
}

function also(others: readonly { readonly said: string }[]): string {
  const end = `: ${ALL}`;
  const names = others.map(({ said }) => said.split(/[:;]/, 1)[0] ?? '');

  return `${`${others.length} more: ${names.join(', ')}`.slice(0, MAX_CHARACTERS - end.length)}${end}`;
}

function ago(text: string | null, now: Temporal.Instant): string {
  return text === null ? 'never' : `${age(text, now)} ago`;
}

function age(text: string, now: Temporal.Instant): string {
  return formatDuration(Math.max(0, now.since(Temporal.Instant.from(text)).total('milliseconds')));
}
