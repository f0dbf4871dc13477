// What a machine adds to a decision: how exposed a piece of software is there, and what its loss would mean. Each with its reason in
// words. Pure.
import type { Listening, Machine } from '../findings/fleet.ts';
import { isOnlyKernelSources } from '../matching/kernel.ts';
import type { Software } from '../matching/software.ts';
import { reachOf } from './addresses.ts';
import { type Circumstances, EXPOSURES, type Exposure, HUMAN_IMPACTS } from './decision.ts';
import type { FleetSettings } from './settings.ts';

/** What is asked of a machine, so that a scan of a file can be asked too. */
export type Surroundings = Pick<Machine, 'labels' | 'listening'>;

/** What is asked of a piece of software. */
export type About = Pick<Software, 'ecosystem' | 'name' | 'source' | 'kernel'>;

const SOURCES_ONLY: Reason<Exposure> = {
  value: 'small',
  why: 'only headers or tools of the kernel sources: no kernel that could be reached',
};

const SOME_SOCKETS = 3;

type Reason<V extends string> = { readonly value: V; readonly why: string };

/** What holds for the whole machine; made once, asked for each of its software. */
export interface MachineCircumstances {
  of(software: About): Circumstances;
}

export function circumstancesOf(machine: Surroundings, software: About, settings: FleetSettings): Circumstances {
  return machineCircumstances(machine, settings).of(software);
}

export function machineCircumstances(machine: Surroundings, settings: FleetSettings): MachineCircumstances {
  const labelled = byLabels(machine, settings.exposureLabels, EXPOSURES);
  const impact = byLabels(machine, settings.impactLabels, HUMAN_IMPACTS);
  const observed = observedExposures(machine, settings);
  const impactPart = {
    impact: impact.found?.value ?? settings.impact,
    impactWhy: impact.found?.why ?? noting(`default: no label ${names(settings.impactLabels)}`, impact.notUnderstood),
  };
  const bySource = new Map<string, Circumstances>();
  const ofSources: Circumstances = { exposure: SOURCES_ONLY.value, exposureWhy: SOURCES_ONLY.why, ...impactPart };

  return {
    of: (software) => {
      const { source, kernel } = software;
      if (isOnlyKernelSources(software)) return ofSources;
      const key = kernel === null ? source : '';
      const known = bySource.get(key);
      if (known) return known;
      const seen = observed(source, kernel !== null);
      const { value, why } = labelled.found ?? { ...seen, why: noting(seen.why, labelled.notUnderstood) };
      const made: Circumstances = {
        exposure: value,
        exposureWhy: labelled.found && seen.value !== value ? `${why} (${seen.why})` : why,
        ...impactPart,
      };
      bySource.set(key, made);

      return made;
    },
  };
}

/** Of several labels the worst counts: whoever adds one cannot make a decision milder. */
function byLabels<V extends string>(
  { labels }: Surroundings,
  meanings: Readonly<Record<string, Readonly<Record<string, V>>>>,
  order: readonly V[],
): { readonly found: Reason<V> | null; readonly notUnderstood: readonly string[] } {
  let found: Reason<V> | null = null;
  const notUnderstood: string[] = [];
  for (const [name, values] of Object.entries(meanings)) {
    for (const text of Object.hasOwn(labels, name) ? (labels[name] ?? []) : []) {
      const word = text.trim().toLowerCase().replaceAll(/[ _]+/g, '-');
      const value = Object.hasOwn(values, word) ? values[word] : undefined;
      if (value === undefined) notUnderstood.push(`${name}=${text}`);
      else if (found === null || order.indexOf(value) > order.indexOf(found.value))
        found = { value, why: `label ${name}=${text}` };
    }
  }

  return { found, notUnderstood };
}

/** What its sockets say, package by package. */
function observedExposures(
  { listening }: Surroundings,
  { behindListeners }: FleetSettings,
): (source: string, isKernel: boolean) => Reason<Exposure> {
  if (listening === null)
    return () => ({ value: 'controlled', why: 'unknown: nobody could look what listens; taken as controlled' });
  const whole = widest(listening);
  const bySource = Map.groupBy(listening, ({ source }) => source);

  return (source, isKernel) => {
    const own = widest(bySource.get(source) ?? []);
    if (own !== null) return { value: own.reach, why: `listens ${sockets(bySource.get(source) ?? [], own.reach)}` };
    if (whole === null || whole.reach === 'small')
      return { value: 'small', why: 'nothing listens beyond this machine' };
    const through = `${socket(whole.socket)} (${whole.socket.source})`;
    if (isKernel) return { value: whole.reach, why: `kernel behind ${through}` };
    if (behindListeners.includes(source)) return { value: whole.reach, why: `used behind ${through}` };

    return { value: 'controlled', why: `listens to nothing itself; the machine does at ${through}` };
  };
}

function widest(sockets: readonly Listening[]): { readonly reach: Exposure; readonly socket: Listening } | null {
  let found: { readonly reach: Exposure; readonly socket: Listening } | null = null;
  for (const one of sockets) {
    const reach = reachOf(one.address);
    const by = found === null ? 1 : EXPOSURES.indexOf(reach) - EXPOSURES.indexOf(found.reach);
    if (found === null || by > 0 || (by === 0 && one.port < found.socket.port)) found = { reach, socket: one };
  }

  return found;
}

/** The widest ones, a few of many. */
function sockets(all: readonly Listening[], reach: Exposure): string {
  const texts = [...new Set(all.filter(({ address }) => reachOf(address) === reach).map(socket))];
  const more = texts.length > SOME_SOCKETS ? ` and ${texts.length - SOME_SOCKETS} more` : '';

  return `${texts.slice(0, SOME_SOCKETS).join(', ')}${more}`;
}

function socket({ address, port }: Listening): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function names(meanings: Readonly<Record<string, unknown>>): string {
  return Object.keys(meanings).join(' or ');
}

function noting(why: string, notUnderstood: readonly string[]): string {
  return notUnderstood.length === 0 ? why : `${why} (${notUnderstood.join(', ')} says nothing that is known)`;
}
