// What a host may lay down while nobody has accepted it: whoever has a token for many can bring as many as it has uses, so each of
// them gets the room that an inventory needs and no more.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { CODES } from '@selvage/shared/errors/codes.ts';
import type { HostRecord, Writers } from '../store/ports.ts';

/** Bytes of sections, packed: ten times what a host with a desktop and a long history sends. */
export const MAX_PENDING_BYTES = 4 * 1024 * 1024;

/** Why a section of so many bytes is not kept; null when it is. Accepted, the host is asked for it with its next report. */
export async function overfull(
  { inventory }: Pick<Writers, 'inventory'>,
  { id, name, acceptedAt }: Pick<HostRecord, 'id' | 'name' | 'acceptedAt'>,
  bytes: number,
): Promise<CodedError | null> {
  if (acceptedAt !== null || (await inventory.size(id)) + bytes <= MAX_PENDING_BYTES) return null;

  return new CodedError('FRAME_UNEXPECTED', `${name} is pending: at most ${MAX_PENDING_BYTES} bytes are kept of it`, {
    next: CODES.HOST_PENDING.next.replace('NAME', name),
  });
}
