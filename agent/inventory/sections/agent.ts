// The agent as software on the host: what it may do here and what it ships. Its own parts are matched like any other's.
import { readFile } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import { readTakeover, takeoverFacts } from '../../updaters/takeover/state.ts';
import { shippedPackages } from '../components.ts';
import type { InventoryContext } from '../context.ts';

export async function collectAgent(context: InventoryContext): Promise<Section<'agent'>> {
  const { mode, labels } = context.settings;
  const file = context.takeoverFile ?? null;
  const own = ['node', 'openssl'].map((name) => ({ name, version: process.versions[name] ?? 'unknown' }));
  const npm = context.lockfile === null ? [] : shippedPackages(await readLock(context.lockfile), 'agent');

  return {
    version: context.agentVersion,
    mode,
    labels: Object.fromEntries(Object.entries(labels).map(([name, values]) => [name, [...values]])),
    ...(file === null ? {} : { takeover: takeoverFacts(await readTakeover(file)) }),
    components: [...own, ...npm.map(({ name, version }) => ({ name: `npm:${name}`, version }))],
  };
}

async function readLock(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new CodedError('PARSE', `${path} does not say what the agent is made of`, { cause: error });
  }
}
