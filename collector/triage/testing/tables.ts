// What docs/triage.md tells of the data: its tables, so that a test can hold the page to them. Pure.
import { HUMAN_IMPACTS } from '../decision.ts';
import type { FleetSettings } from '../settings.ts';
import type { Tree } from '../trees/shape.ts';

/** A line for each exploitation, exposure and automatable, with the decision for each impact. */
export function treeTable({ rows }: Tree): string {
  const lines = Map.groupBy(rows, ([exploitation, exposure, automatable]) =>
    [exploitation, exposure, automatable].join(' | '),
  );

  return [...lines]
    .map(([path, all]) => {
      const decisions = HUMAN_IMPACTS.map((impact) => all.find((row) => row[3] === impact)?.[4] ?? '');

      return `| ${path} | ${decisions.join(' | ')} |`;
    })
    .join('\n');
}

export function labelTable({ exposureLabels, impactLabels }: FleetSettings): string {
  const rows = (point: string, labels: Readonly<Record<string, Readonly<Record<string, string>>>>) =>
    Object.entries(labels).flatMap(([name, values]) =>
      Object.entries(values).map(([value, meaning]) => `| \`${name}\` | \`${value}\` | ${point} ${meaning} |`),
    );

  return [...rows('exposure', exposureLabels), ...rows('impact', impactLabels)].join('\n');
}

export function libraryList({ behindListeners }: FleetSettings): string {
  return behindListeners.join(', ');
}

export function severityList({ severityDays }: FleetSettings): string {
  return Object.entries(severityDays)
    .map(([word, days]) => `${word} ${days} days`)
    .join(', ');
}
