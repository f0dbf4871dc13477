// What is known of a machine on either side, as marks by which the two sides are held together. Pure. A mark that more than one
// machine of the same side has tells nobody apart.

/** From the strongest to the weakest. */
export const MARK_KINDS = ['instance', 'serial', 'mac', 'name', 'short name'] as const;
export type MarkKind = (typeof MARK_KINDS)[number];

export interface Marks {
  readonly names: readonly string[];
  readonly instances: readonly string[];
  readonly serials: readonly string[];
  readonly macs: readonly string[];
}

/** A machine that a list names. */
export interface Expected extends Marks {
  readonly source: string;
  readonly line: number;
  readonly name: string;
  readonly owner: string | null;
  readonly state: string | null;
  /** False where the list itself says that it is gone. */
  readonly expected: boolean;
}

/** A machine that the collector knows. */
export interface Known extends Marks {
  readonly id: string;
  readonly name: string;
  readonly kind: 'agent' | 'imported' | 'pending';
  /** Last contact of an agent, as-of of an import; null: never. */
  readonly seen: Temporal.Instant | null;
  readonly connected: boolean;
}

/** What makers write where no serial number was set. */
const NO_SERIAL = new Set(
  [
    '',
    '0',
    'none',
    'na',
    'unknown',
    'default',
    'defaultstring',
    'notspecified',
    'notapplicable',
    'invalid',
    'empty',
  ].concat([
    'tobefilledbyoem',
    'systemserialnumber',
    'chassisserialnumber',
    'serialnumber',
    '123456789',
    '0123456789',
    'oem',
  ]),
);
/** Names that many machines have and that name none. */
const NO_NAME = new Set(['localhost', 'localhost.localdomain', 'debian', 'ubuntu', 'unknown', 'raspberrypi']);
/** Of a container's or a virtual bridge's own card: made up, the same on many machines. */
const NO_MAC = /^(02:42:|00:00:00:00:00:00|ff:ff:ff:ff:ff:ff)/;

export interface Mark {
  readonly kind: MarkKind;
  readonly value: string;
  /** Both: what makes two marks the same. */
  readonly text: string;
}

/** Everything that may tell the machine apart, each once, the strongest first. */
export function marksOf({ names, instances, serials, macs }: Marks): readonly Mark[] {
  const found = new Map<string, Mark>();
  const add = (kind: MarkKind, value: string) => {
    const text = `${kind} ${value}`;
    if (value !== '') found.set(text, { kind, value, text });
  };
  for (const value of instances) add('instance', value.trim().toLowerCase());
  for (const value of serials) if (!isPlaceholder(value)) add('serial', value.trim().toLowerCase());
  for (const value of macs) if (!NO_MAC.test(value.toLowerCase())) add('mac', value.toLowerCase());
  const plain = names.map((name) => name.trim().toLowerCase().replace(/[.]$/, '')).filter((name) => !NO_NAME.has(name));
  for (const name of plain) add('name', name);
  for (const name of plain) add('short name', name.split('.', 1)[0] ?? name);

  return [...found.values()];
}

function isPlaceholder(serial: string): boolean {
  const plain = serial.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

  // 00000000-0000-0000-… and XXXXXXXX are no numbers of a machine either.
  return NO_SERIAL.has(plain) || /^(.)\1*$/.test(plain);
}
