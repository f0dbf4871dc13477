// Looks one thing up for a route, or answers NOT_FOUND.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { HostRecord, Readers } from '../store/ports.ts';

/** Throws NOT_FOUND with the sentence given. */
export async function found<T>(looked: Promise<T | null>, sentence: string): Promise<T> {
  const value = await looked;
  if (value === null) throw new CodedError('NOT_FOUND', sentence);

  return value;
}

/** A host by id or by name; the active one of a name, else the newest revoked one. */
export async function hostOf(hosts: Readers['hosts'], idOrName: string): Promise<HostRecord> {
  const byId = await hosts.byId(idOrName as HostId);

  return byId ?? found(hosts.byName(idOrName), `there is no host ${idOrName}`);
}
