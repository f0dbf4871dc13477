// What the packers are given: one product for one architecture, complete. They add nothing to it but their format.
import type { Arch } from './arches.ts';
import type { Tree } from './tree.ts';

export const MAINTAINER = 'Selvage maintainers <maintainers@selvage.example>';

export const PRODUCTS = {
  agent: {
    name: 'selvage-agent',
    /** Below the root of a machine. */
    home: 'usr/lib/selvage-agent',
    summary: 'inventories this machine and installs signed fixes in their windows',
    description: [
      'The agent of Selvage, a patch management: it reports what is installed here',
      'and what waits, and installs what the admins of the machine have signed,',
      'when its maintenance windows are open. It is off until it was enrolled.',
    ],
    /** What the maintainer scripts use and a small system may lack; the rest is essential there. */
    tools: { deb: ['passwd'], rpm: ['/bin/sh', '/usr/sbin/useradd', 'coreutils'] },
  },
  collector: {
    name: 'selvage',
    home: 'usr/lib/selvage',
    summary: 'collector and command line of Selvage, a patch management',
    description: [
      'The collector holds what agents report, and the signed policy that they act',
      'upon; the command line is for its admins, at the same machine or at another.',
      'It is off until it was initialized.',
    ],
    tools: { deb: ['passwd'], rpm: ['/bin/sh', '/usr/sbin/useradd', 'coreutils', 'findutils'] },
  },
} as const;

export type ProductName = keyof typeof PRODUCTS;

export interface Product {
  readonly product: ProductName;
  readonly version: string;
  readonly arch: Arch;
  /** What a package puts on a machine, with the runtime. */
  readonly tree: Tree;
  /** Newest version of the C library, and of the C++ library's symbols, that something in it asks for. */
  readonly glibc: string;
  readonly glibcxx: string;
  /** Seconds; every time in a package. */
  readonly epoch: number;
}

/** What every packer needs beside the product. */
export interface Packing {
  readonly product: Product;
  readonly scripts: ReadonlyMap<string, string>;
  /** 0 (not compressed) to 9 (small). */
  readonly level: number;
  /** For what is made on the way. */
  readonly work: string;
  readonly out: string;
}

export interface Built {
  readonly file: string;
  readonly bytes: number;
}
