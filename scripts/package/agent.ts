// What the agent's package puts on a machine besides the runtime: the bundled program, its units and the vendor's settings.
import { join } from 'node:path';
import { bundleAgent } from '../bundle/agent.ts';
import type { Bundle } from './bundle.ts';
import { PRODUCTS } from './product.ts';
import { copiesOf, FOLDER_MODE, PROGRAM_MODE } from './tree.ts';

export async function agentBundle(root: string, work: string): Promise<Bundle> {
  const program = join(work, 'agent');
  const sources = join(root, 'packaging/agent');
  const { home } = PRODUCTS.agent;
  const { inputs, resident } = await bundleAgent(program);

  return {
    inputs: [...inputs, ...resident.inputs],
    entries: [
      ...(await copiesOf(program, home)),
      ...(await copiesOf(join(sources, 'systemd'), 'usr/lib/systemd/system')),
      ...(await copiesOf(join(sources, 'vendor'), home)),
      { kind: 'copy', path: `${home}/preflight.sh`, mode: PROGRAM_MODE, from: join(sources, 'preflight.sh') },
      { kind: 'copy', path: 'usr/bin/selvage-agent', mode: PROGRAM_MODE, from: join(sources, 'bin/selvage-agent') },
      { kind: 'folder', path: 'etc/selvage-agent/settings.d', mode: FOLDER_MODE },
    ],
  };
}
