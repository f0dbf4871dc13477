// The agent as software on the host: what it may do here and what it ships. Its own parts are matched like any other's.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import { readTakeover, takeoverFacts } from '../../updaters/takeover/state.ts';
import { bundled, purlOf, shippedPackages } from '../components.ts';
import type { InventoryContext } from '../context.ts';

const MAX_BUNDLED_BYTES = 64 * 1024;

export async function collectAgent(context: InventoryContext): Promise<Section<'agent'>> {
  const { mode, labels } = context.settings;
  const file = context.takeoverFile ?? null;

  return {
    version: context.agentVersion,
    mode,
    labels: Object.fromEntries(Object.entries(labels).map(([name, values]) => [name, [...values]])),
    ...(file === null ? {} : { takeover: takeoverFacts(await readTakeover(file)) }),
    components: await componentsOf(context.lockfile),
  };
}

type Component = Section<'agent'>['components'][number];

async function componentsOf(lockfile: string | null): Promise<Component[]> {
  const own = ['node', 'openssl'].map((name) => component(name, 'generic', name, process.versions[name] ?? 'unknown'));
  if (lockfile === null) return own;
  const npm = shippedPackages(await readLock(lockfile), 'agent');

  return [
    ...own,
    ...(await readBundled(join(dirname(lockfile), 'bundled.json'))),
    ...npm.map(({ name, version }) => component(`npm:${name}`, 'npm', name, version)),
  ];
}

function component(shown: string, type: 'generic' | 'npm', name: string, version: string): Component {
  return { name: shown, version, purl: purlOf(type, name, version) };
}

/** Only a package has it: a checkout runs on libraries of the system. */
async function readBundled(path: string): Promise<Component[]> {
  const bytes = await readBounded(path, MAX_BUNDLED_BYTES);
  if (bytes === null) return [];

  try {
    return bundled.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).components;
  } catch (error) {
    throw new CodedError('PARSE', `${path} does not say what the agent brings`, { cause: error });
  }
}

async function readLock(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new CodedError('PARSE', `${path} does not say what the agent is made of`, { cause: error });
  }
}
