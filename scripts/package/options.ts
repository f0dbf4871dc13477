// The few options of `npm run package`.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { ARCHES, type Arch } from './arches.ts';
import { PRODUCTS, type ProductName } from './product.ts';

export interface PackageOptions {
  readonly arches: readonly Arch[];
  readonly products: readonly ProductName[];
  readonly out: string;
  /** Large and soon done, to try it out. */
  readonly fast: boolean;
}

const NEXT = 'npm run package -- [--arch x64|arm64] [--only agent|collector] [--out FOLDER] [--fast]';

/** Throws USAGE for what it does not know. */
export function readOptions(args: readonly string[], root: string): PackageOptions {
  let values: { arch?: string; only?: string; out: string; fast: boolean };
  try {
    const text = { type: 'string' } as const;
    ({ values } = parseArgs({
      args: [...args],
      options: {
        arch: text,
        only: text,
        out: { ...text, default: join(root, 'dist/packages') },
        fast: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new CodedError('USAGE', error instanceof Error ? error.message : String(error), { cause: error, next: NEXT });
  }

  return {
    arches: chosen('--arch', Object.keys(ARCHES) as Arch[], values.arch),
    products: chosen('--only', Object.keys(PRODUCTS) as ProductName[], values.only),
    out: resolve(values.out),
    fast: values.fast,
  };
}

function chosen<T extends string>(option: string, known: readonly T[], given: string | undefined): readonly T[] {
  if (given === undefined) return known;
  const found = known.filter((name) => name === given);
  if (found.length === 0)
    throw new CodedError('USAGE', `${option} is "${given}", not ${known.join(' or ')}`, { next: NEXT });

  return found;
}
