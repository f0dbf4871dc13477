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

/** `kind value` of everything that may tell the machine apart, the strongest first. */
export function marksOf({ names, instances, serials, macs }: Marks): readonly Mark[] {
  const plain = names.map((name) => name.trim().toLowerCase().replace(/[.]$/, '')).filter((name) => !NO_NAME.has(name));
  const found: Mark[] = [
    ...instances.map((value): Mark => ({ kind: 'instance', value: value.trim().toLowerCase() })),
    ...serials
      .filter((value) => !isPlaceholder(value))
      .map((value): Mark => ({ kind: 'serial', value: value.trim().toLowerCase() })),
    ...macs
      .map((value) => value.toLowerCase())
      .filter((value) => !NO_MAC.test(value))
      .map((value): Mark => ({ kind: 'mac', value })),
    ...plain.map((value): Mark => ({ kind: 'name', value })),
    ...plain.map((value): Mark => ({ kind: 'short name', value: value.split('.')[0] ?? value })),
  ];
  const distinct = new Map(found.filter(({ value }) => value !== '').map((mark) => [textOf(mark), mark]));

  return [...distinct.values()];
}

export interface Mark {
  readonly kind: MarkKind;
  readonly value: string;
}

export function textOf({ kind, value }: Mark): string {
  return `${kind} ${value}`;
}

function isPlaceholder(serial: string): boolean {
  const plain = serial.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

  // 00000000-0000-0000-… and XXXXXXXX are no numbers of a machine either.
  return NO_SERIAL.has(plain) || /^(.)\1*$/.test(plain);
}
