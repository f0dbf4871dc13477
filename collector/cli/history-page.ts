// What happened to a host, on one page.
import type { z } from 'zod';
import type { historyEvent, hostHistory } from '../api/contract/history.ts';
import type { Cli } from './cli.ts';
import { at } from './when.ts';

type Event = z.output<typeof historyEvent>;

const SHOWN_PACKAGES = 3;

export function showHistory(cli: Cli, history: z.output<typeof hostHistory>): void {
  const { screen } = cli;
  const outside = history.events.filter(({ kind }) => kind === 'changed-outside').length;
  screen.line(
    `${history.name}   ${history.events.length} events, ${outside} of them changes outside Selvage`,
    'strong',
  );
  showEvents(cli, history.events);
  for (const gap of history.gaps) screen.line(`! ${gap}`, 'bad');
}

/** The newest events, on the page of the host. */
export function showLately(cli: Cli, { name, events }: z.output<typeof hostHistory>): void {
  if (events.length === 0) return;
  cli.screen.line();
  showEvents(cli, events);
  cli.screen.line(`all of it: selvage host history ${name}`, 'dim');
}

/** What is only known from logs of before the enrollment is a table of its own, so that nobody takes it for witnessed. */
function showEvents(cli: Cli, events: readonly Event[]): void {
  const [before, since] = [true, false].map((isBefore) =>
    events.filter(({ origin }) => (origin === 'not-witnessed') === isBefore),
  );
  if (since && since.length > 0) showTable(cli, since);
  if (before && before.length > 0) {
    cli.screen.line();
    cli.screen.line('from host logs, not witnessed', 'strong');
    showTable(cli, before);
  }
}

function showTable(cli: Cli, events: readonly Event[]): void {
  cli.screen.table(
    [{ title: 'WHEN' }, { title: 'WHAT' }, { title: 'BY', shrinks: true }, { title: 'PACKAGES', shrinks: true }],
    events.map((event) => [
      `${event.certain ? '' : '~'}${at(event.at, cli)}`,
      wordOf(event),
      actorOf(event),
      whatOf(event),
    ]),
  );
}

/** Short enough to stand beside the rest. */
function wordOf({ kind, source, text }: Event): string {
  switch (kind) {
    case 'installed':
    case 'failed':
      return `${kind} by Selvage`;
    case 'selvage-open':
      return 'Selvage, no result yet';
    case 'changed-outside':
      return 'changed outside Selvage';
    case 'approved':
    case 'rejected':
      return kind;
    default:
      return source === null ? text : kind;
  }
}

/** A user, else the command, else what told of it. */
export function actorOf({ actor, command, source }: Event): string {
  if (actor !== null) return actor.replace(/^admin:/, '').replace(/^host:.*$/, 'the host');
  if (command !== null) return command;
  if (source === 'inventory') return 'no log says';

  return source === null || source === 'result' ? '' : source;
}

/** `openssl 3.0.1 → 3.0.2, gone 1.0 removed`; of many how many first, because the end is cut on a narrow screen. */
export function whatOf({ kind, text, packages, packageCount, since, problem, source }: Event): string {
  if (kind === 'approved' || kind === 'rejected') return text.slice(kind.length + 1);
  const shown = packages.slice(0, SHOWN_PACKAGES).map(({ name, from, to }) => {
    if (to === null) return `${name} ${from ?? ''} removed`;

    return from === null
      ? `${name} ${to}${source === 'rpm' || source === 'zypper' ? '' : ' new'}`
      : `${name} ${from} → ${to}`;
  });
  const isMore = packageCount > shown.length;

  return [
    ...(isMore ? [`${packageCount}: ${shown.join(', ')} ...`] : shown),
    ...(since === null ? [] : ['between two inventories']),
    ...(problem === null ? [] : [`(${problem})`]),
  ].join(', ');
}
