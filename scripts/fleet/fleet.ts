// Many simulated hosts at once, and what became of them. It counts; it asserts nothing.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Connect } from '@selvage/shared/pki/https.ts';
import { enrollOne, type Linked, link, type Place, type Simulated } from './agent.ts';
import { directlyFrom } from './way.ts';

export interface FleetOptions extends Omit<Place, 'connect'> {
  readonly count: number;
  /** Hosts are called PREFIX-0001 and so on. */
  readonly prefix: string;
  /** Hosts that are under way at one time; all when left out. */
  readonly atOnce?: number;
  /** Local addresses that they come from in turn; the system's choice when there are none. */
  readonly from?: readonly string[];
  readonly onHost?: (host: Simulated) => void;
}

export interface Outcome {
  readonly hosts: readonly Simulated[];
  /** How many ended with which code. */
  readonly failed: Readonly<Partial<Record<Code, number>>>;
  /** Milliseconds from the first to the last. */
  readonly ms: number;
}

/** Enrolls them all; whoever fails is counted, with what it was told. */
export async function enrollFleet(options: FleetOptions): Promise<Outcome> {
  const hosts: Simulated[] = [];
  const failed: Partial<Record<Code, number>> = {};
  const began = performance.now();
  await inTurns(namesOf(options), options.atOnce ?? options.count, async (name, index) => {
    try {
      const host = await enrollOne(name, placeOf(options, index));
      hosts.push(host);
      options.onHost?.(host);
    } catch (error) {
      const { code } = asCoded(error);
      failed[code] = (failed[code] ?? 0) + 1;
    }
  });

  return { hosts, failed, ms: performance.now() - began };
}

/** Connects them all, each with one inventory on its way. */
export async function linkFleet(hosts: readonly Simulated[], options: FleetOptions): Promise<readonly Linked[]> {
  const linked: Linked[] = [];
  await inTurns(hosts, options.atOnce ?? hosts.length, async (host, index) => {
    linked.push(await link(host, placeOf(options, index)));
  });

  return linked;
}

function placeOf({ from = [], ...place }: FleetOptions, index: number): Place {
  const address = from[index % Math.max(1, from.length)];
  const way: { connect?: Connect } = address === undefined ? {} : { connect: directlyFrom(address) };

  return { ...place, ...way };
}

function namesOf({ prefix, count }: FleetOptions): readonly string[] {
  const digits = Math.max(4, String(count).length);

  return Array.from({ length: count }, (_, index) => `${prefix}-${String(index + 1).padStart(digits, '0')}`);
}

async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T, index: number) => Promise<void>) {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as T, index);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
