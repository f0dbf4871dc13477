// What the agent's package puts on a machine besides the runtime: the bundled program, its units and the vendor's settings.
import { join } from 'node:path';
import { bundleAgent } from '../bundle/agent.ts';
import { copiesOf, type Entry, FOLDER_MODE, PROGRAM_MODE } from './tree.ts';

export const AGENT_HOME = 'usr/lib/selvage-agent';

export async function agentEntries(root: string, work: string): Promise<readonly Entry[]> {
  const program = join(work, 'agent');
  const sources = join(root, 'packaging/agent');
  await bundleAgent(program);

  return [
    ...(await copiesOf(program, AGENT_HOME)),
    ...(await copiesOf(join(sources, 'systemd'), 'usr/lib/systemd/system')),
    ...(await copiesOf(join(sources, 'vendor'), AGENT_HOME)),
    { kind: 'copy', path: 'usr/bin/selvage-agent', mode: PROGRAM_MODE, from: join(sources, 'bin/selvage-agent') },
    { kind: 'folder', path: 'etc/selvage-agent/settings.d', mode: FOLDER_MODE },
  ];
}
