// Who plays in the story: two hosts, their packages, what the archive offers, and the documents an admin writes. Data only.
import type { DebSpec } from './deb.ts';

export const HOSTS = ['alpha', 'beta'] as const;
export type HostName = (typeof HOSTS)[number];

/** File that each installed version of widget writes when its postinst runs: it tells which one really ran. */
export const WIDGET_MARK = '/var/lib/widget/configured-by';
/** Written by the forged package only. */
export const FORGED_MARK = '/var/lib/widget/forged';

const widget = (version: string, postinst: string): DebSpec => ({
  name: 'widget',
  version,
  files: { '/usr/share/widget/version': `${version}\n`, '/etc/widget.conf': 'colour = blue\n' },
  conffiles: ['/etc/widget.conf'],
  scripts: { postinst },
});

const configured = (version: string) => `mkdir -p /var/lib/widget\necho ${version} > ${WIDGET_MARK}`;

export const OLD_WIDGET = '1.0-1';
export const NEW_WIDGET = '1.0-1+deb12u1';
export const OLD_GADGET = '2.0-1';
const NEW_GADGET = '2.1-1';

/** Installed on both hosts before the story begins. */
export const INSTALLED: readonly DebSpec[] = [
  widget(OLD_WIDGET, configured(OLD_WIDGET)),
  { name: 'gadget', version: OLD_GADGET },
  { name: 'trinket', version: '0.9-1' },
];

const NEW_WIDGET_SCRIPT = configured(NEW_WIDGET);

/** The fix that will be approved: a security update. */
const FIX: DebSpec = { ...widget(NEW_WIDGET, NEW_WIDGET_SCRIPT), suite: 'bookworm-security' };

/** The same package with another postinst of the same length: the file has the same size, and apt alone can tell. */
export const FORGED_FIX: DebSpec = widget(
  NEW_WIDGET,
  `mkdir -p /var/lib/widget\n: > ${FORGED_MARK}`.padEnd(NEW_WIDGET_SCRIPT.length, '\n'),
);

/** What the archive offers: two packages are upgradable, and the second one would bring and remove others. */
export const OFFERED: readonly DebSpec[] = [
  FIX,
  { name: 'gadget', version: NEW_GADGET, depends: 'gadget-data', conflicts: 'trinket', breaks: 'trinket' },
  { name: 'gadget-data', version: NEW_GADGET, source: 'gadget' },
];

/** Ids of both fixes as `selvage fix list` prints them. */
export const FIX_ID = `widget@${NEW_WIDGET}`;
export const OTHER_FIX_ID = `gadget@${NEW_GADGET}`;

export const POLICY = 'lab-servers';
export const WINDOW_TOMORROW = 'tomorrow';
export const WINDOW_NOW = 'now';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
/** 1 h: how long ago the open window opened, so that it is open and stays so, also across midnight. */
const OPEN_SINCE = { hours: 1 };

/** Both windows, and the policy whose lane waits for `window`. Times are UTC, from the instant the story began. */
export function policyDocuments(window: string, began: Temporal.Instant): string {
  const now = began.toZonedDateTimeISO('UTC');
  const tomorrow = DAYS[now.add({ days: 1 }).dayOfWeek - 1];

  return `kind: Window
name: ${WINDOW_TOMORROW}
days: [${tomorrow}]
start: "${clockTime(now)}"
for: 1h
timezone: UTC
---
kind: Window
name: ${WINDOW_NOW}
days: [${DAYS.join(', ')}]
start: "${clockTime(now.subtract(OPEN_SINCE))}"
for: 24h
timezone: UTC
---
kind: PatchPolicy
name: ${POLICY}
select: { labels: { tier: [lab] } }
allow: { from: [security, updates, point-release] }
lanes:
  scheduled: { approve: manual, delay: 0h, window: ${window}, rings: [{ rest: true }] }
`;
}

function clockTime(time: Temporal.ZonedDateTime): string {
  return time.toPlainTime().toString({ smallestUnit: 'minute' });
}
