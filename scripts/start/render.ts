// The summary for people, and what to do next. Unknown is written as unknown, with its reason; it never looks like zero.
import type { Summary } from './summary.ts';

const UNKNOWN = 'unknown';

export function render({ host, collector }: Summary): string {
  const count = (value: number | null) => (value === null ? UNKNOWN : String(value));
  const updates =
    host.upgradable === null
      ? UNKNOWN
      : `${host.upgradable} (${count(host.security)} security, ${count(host.held)} held, ${count(host.phased)} phased)`;
  const rows: readonly (readonly [string, string])[] = [
    ['host', `${host.hostname}  ${host.id}`],
    ['system', `${host.os.id} ${host.os.version}`.trim()],
    ['kernel', `running ${host.kernel.running}; installed ${host.kernel.installed.join(', ') || 'none'}`],
    ['packages', count(host.packages)],
    ['updates', updates],
    ['lists', host.packageLists.asOf === null ? 'never fetched' : `as of ${host.packageLists.asOf}`],
    ...host.packageLists.stale.map(
      ({ repository, reason }) => ['', `${repository ?? 'package lists'}: ${reason}`] as const,
    ),
    ['reboot', host.rebootRequired === null ? UNKNOWN : host.rebootRequired ? 'required' : 'not required'],
    ['old code', `${count(host.staleProcesses)} processes still run deleted files`],
    ['collector', collector.url],
  ];

  return ['', 'THIS MACHINE', ...rows.map(([label, value]) => `  ${label.padEnd(10)} ${value}`)].join('\n');
}

/** Commands for a second machine and for the first look around. */
export function nextSteps(summary: Summary, home: string): string {
  const { host } = summary;

  return [
    '',
    'what is here (in another terminal, in this folder):',
    `  SELVAGE_HOME=${home} npx selvage host show ${host.hostname}`,
    `  SELVAGE_HOME=${home} npx selvage todo --all`,
    `  SELVAGE_HOME=${home} npx selvage finding list`,
    `  SELVAGE_HOME=${home} npx selvage fix list`,
    '',
    'a second machine, in three commands (its collector must listen on an address that the machine reaches, see the README):',
    `  1 here:   SELVAGE_HOME=${home} npx selvage token create --host NAME`,
    '  2 there:  npx selvage-agent enroll --collector URL --pin PIN --token TOKEN     (the line that 1 printed)',
    '  3 there:  npx selvage-agent connect',
    '',
    'this agent is in mode observe: it changes nothing on this machine.',
  ].join('\n');
}
