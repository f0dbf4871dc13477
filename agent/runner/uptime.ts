// How long this boot has lasted, suspension included: the one clock of the host that nobody can set. It says nothing across
// boots.
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { hasErrno } from '@selvage/shared/files/durable.ts';

export interface Uptime {
  /** Another text after each boot; empty where the system has none. */
  readonly boot: string;
  readonly ms: number;
}

const SECOND_MS = 1000;

export function systemUptime(): Uptime {
  return { boot: bootId(), ms: Math.round(uptime() * SECOND_MS) };
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
