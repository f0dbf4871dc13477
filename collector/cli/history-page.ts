// What happened to a host, on one page.
import type { z } from 'zod';
import type { historyEvent, hostHistory } from '../api/contract/history.ts';
import type { Cli } from './cli.ts';
import { at } from './when.ts';

type Event = z.output<typeof historyEvent>;

const SHOWN_PACKAGES = 3;
const ORIGINS: Readonly<Record<Event['origin'], string>> = {
  witnessed: 'witnessed',
  signed: 'signed by its runner',
  told: 'its logs',
  'not-witnessed': 'from host logs, not witnessed',
};

export function showHistory(cli: Cli, history: z.output<typeof hostHistory>): void {
  const { screen } = cli;
  const outside = history.events.filter(({ kind }) => kind === 'changed-outside').length;
  screen.line(
    `${history.name}   ${history.events.length} events, ${outside} of them changes outside Selvage`,
    'strong',
  );
  if (history.events.length > 0) showEvents(cli, history.events);
  for (const gap of history.gaps) screen.line(`! ${gap}`, 'bad');
}

export function showEvents(cli: Cli, events: readonly Event[]): void {
  cli.screen.table(
    [
      { title: 'WHEN' },
      { title: 'WHAT', shrinks: true },
      { title: 'BY', shrinks: true },
      { title: 'PACKAGES', shrinks: true },
      { title: 'KNOWN FROM', shrinks: true },
    ],
    events.map((event) => [
      `${event.certain ? '' : '~'}${at(event.at, cli)}`,
      event.text,
      actorOf(event),
      whatOf(event),
      ORIGINS[event.origin],
    ]),
  );
}

/** A user, else the command, else what told of it. */
export function actorOf({ actor, command, source }: Event): string {
  if (actor !== null) return actor.replace(/^admin:/, '');
  if (command !== null) return command;

  return source === 'inventory' || source === null ? '' : source;
}

/** `openssl 3.0.1 → 3.0.2, gone 1.0 → removed, 4 more`. */
export function whatOf({ packages, packageCount, since, problem, source }: Event): string {
  const shown = packages.slice(0, SHOWN_PACKAGES).map(({ name, from, to }) => {
    if (to === null) return `${name} ${from ?? ''} removed`;

    return from === null || source === 'rpm' ? `${name} ${to} new` : `${name} ${from} → ${to}`;
  });
  const more = packageCount - shown.length;

  return [
    ...shown,
    ...(more > 0 ? [`${more} more`] : []),
    ...(since === null ? [] : [`between two inventories`]),
    ...(problem === null ? [] : [`(${problem})`]),
  ].join(', ');
}
