// From a select text to machines of the fleet: hosts with an agent and those known from a file, by the same words.
import type { Machine } from '../findings/fleet.ts';
import type { ApiDeps } from './deps.ts';
import { selectHosts } from './host-select.ts';
import { selectImports } from './imported.ts';

/** All machines when there is no text. Throws SELECT_INVALID. */
export async function selectedMachines(deps: ApiDeps, select: string | undefined): Promise<readonly Machine[]> {
  const all = [...deps.fleet().machines.values()];
  if (select === undefined) return all;
  const [hosts, imports] = await Promise.all([selectHosts(deps, { select }), selectImports(deps, select)]);
  const wanted = new Set([
    ...hosts.chosen.map(({ row }) => `host:${row.id}`),
    ...imports.chosen.map(({ name }) => `import:${name}`),
  ]);

  return all.filter(({ key }) => wanted.has(key));
}
