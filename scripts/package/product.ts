// What the packers are given: one product for one architecture, complete. They add nothing to it but their format.
import type { Arch } from './arches.ts';
import type { Tree } from './tree.ts';

export const PRODUCTS = ['agent', 'collector'] as const;
export type ProductName = (typeof PRODUCTS)[number];

export interface Product {
  readonly product: ProductName;
  /** Of the package: `selvage-agent`. */
  readonly name: string;
  readonly version: string;
  readonly arch: Arch;
  readonly summary: string;
  /** Lines of the long description. */
  readonly description: readonly string[];
  /** What a package puts into the root of a machine. */
  readonly tree: Tree;
  /** Newest version of the C library, and of the C++ library's symbols, that something in it asks for. */
  readonly glibc: string;
  readonly glibcxx: string;
  /** Seconds; every time in a package. */
  readonly epoch: number;
}

export interface Built {
  readonly file: string;
  readonly bytes: number;
}
