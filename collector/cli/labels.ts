// Labels as a person types and reads them: name=value, one for each value; and hosts with their labels by who says them.
import type { z } from 'zod';
import type { hosts } from '../api/contract.ts';
import type { Screen } from './screen.ts';

type Labels = Readonly<Record<string, readonly string[]>>;
type Row = Pick<
  z.output<typeof hosts>['hosts'][number],
  'name' | 'state' | 'owner' | 'labels' | 'signedLabels' | 'collectorLabels'
>;

interface Imported extends Pick<Row, 'name' | 'owner'> {
  readonly state: string;
  readonly labels: Labels;
}

export function labelTexts(labels: Labels): string[] {
  return Object.entries(labels).flatMap(([name, values]) => values.map((value) => `${name}=${value}`));
}

/** Policies select by the host's own and the signed ones; those of the collector are for people. */
export function showLabels(screen: Screen, rows: readonly Row[], files: readonly Imported[]): void {
  screen.table(
    [
      { title: 'HOST', shrinks: true },
      { title: 'STATE' },
      { title: 'OWNER', shrinks: true },
      { title: 'ITS OWN', shrinks: true },
      { title: 'SIGNED', shrinks: true },
      { title: 'OF THE COLLECTOR', shrinks: true },
    ],
    [
      ...rows.map(({ name, state, owner, labels, signedLabels, collectorLabels }) => [
        ...[name, state, owner ?? '-', labels === null ? null : shown(labels), shown(signedLabels)],
        shown(collectorLabels),
      ]),
      // A machine without an agent says nothing of itself.
      ...files.map(({ name, state, owner, labels }) => [name, state, owner ?? '-', '-', '-', shown(labels)]),
    ],
  );
}

function shown(labels: Labels): string {
  const texts = labelTexts(labels);

  return texts.length === 0 ? '-' : texts.join(' ');
}
