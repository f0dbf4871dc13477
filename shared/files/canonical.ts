// One text per value: JSON with sorted keys and no spaces, and SHA-256 over it. Pure.
import { createHash } from 'node:crypto';
import type { Sha256 } from '../model/ids.ts';

/** Canonical JSON of a plain value. Throws a TypeError on what JSON cannot hold (undefined, NaN, bigint, cycles). */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);

  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('canonical JSON cannot hold NaN or Infinity');

    return JSON.stringify(value);
  }

  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;

  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }

  throw new TypeError(`canonical JSON cannot hold a ${typeof value}`);
}

/** Lower-case hex SHA-256 of bytes, or of a string as UTF-8. */
export function sha256(data: Uint8Array | string): Sha256 {
  return createHash('sha256').update(data).digest('hex') as Sha256;
}
