// What the collector's package puts on a machine besides the runtime: the bundled program with its command line, and its units.
import { join } from 'node:path';
import { bundleCollector } from '../bundle/collector.ts';
import type { Arch } from './arches.ts';
import type { Bundle } from './bundle.ts';
import { PRODUCTS } from './product.ts';
import { copiesOf, PROGRAM_MODE } from './tree.ts';

export async function collectorBundle(root: string, work: string, arch: Arch): Promise<Bundle> {
  const program = join(work, `collector-${arch}`);
  const sources = join(root, 'packaging/collector');
  const { inputs } = await bundleCollector(program, arch);

  return {
    inputs,
    entries: [
      ...(await copiesOf(program, PRODUCTS.collector.home)),
      ...(await copiesOf(join(sources, 'systemd'), 'usr/lib/systemd/system')),
      ...(await copiesOf(join(sources, 'vendor'), PRODUCTS.collector.home)),
      { kind: 'copy', path: 'usr/bin/selvage', mode: PROGRAM_MODE, from: join(sources, 'bin/selvage') },
    ],
  };
}
