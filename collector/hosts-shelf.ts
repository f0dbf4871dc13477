// The authorities of hosts on disk: the present pair, and while it is being replaced one file more, which says what the next
// one is and how far that is. Why a crash may come between any two writes: see enrollment/hosts-authorities.ts.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded, removeDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { z } from 'zod';
import type { AuthorityShelf, Rotation } from './enrollment/hosts-authorities.ts';
import { type CollectorFiles, readPair, writePair } from './home.ts';

const FILE_LIMIT_BYTES = 64 * 1024;
const PEM_CHARACTERS = 8192;
const SIGNATURE_CHARACTERS = 256;

const pem = z.string().max(PEM_CHARACTERS);
const rotationSchema = z
  .strictObject({
    format: z.literal(1),
    phase: z.enum(['begun', 'switched', 'finishing']),
    next: z.strictObject({ certificate: pem, privateKey: pem }),
    endorsedBy: z.string().regex(/^[0-9a-f]{64}$/),
    endorsement: z.base64().max(SIGNATURE_CHARACTERS),
    begunAt: z.iso.datetime(),
  })
  .transform(
    ({ phase, next, endorsedBy, endorsement, begunAt }): Rotation => ({
      ...{ phase, next, endorsedBy: endorsedBy as Sha256, begunAt: begunAt as Timestamp },
      endorsement: new Uint8Array(Buffer.from(endorsement, 'base64')),
    }),
  );

/** Reading throws FILE_CORRUPT for a file that was edited or is missing, FILE_UNSAFE, FILE_TOO_LARGE. */
export function hostsShelf({ hostsAuthority, hostsRotation }: CollectorFiles): AuthorityShelf {
  return {
    readPresent: () => readPair(hostsAuthority),
    writePresent: (authority) => writePair(hostsAuthority, authority),
    readRotation: async () => {
      const bytes = await readBounded(hostsRotation, FILE_LIMIT_BYTES);
      if (!bytes) return null;

      try {
        return rotationSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
      } catch (error) {
        throw new CodedError('FILE_CORRUPT', `${hostsRotation} cannot be read`, { cause: error });
      }
    },
    writeRotation: ({ endorsement, ...rotation }) => {
      const content = { format: 1, ...rotation, endorsement: Buffer.from(endorsement).toString('base64') };

      return writeDurable(hostsRotation, `${JSON.stringify(content)}\n`);
    },
    removeRotation: () => removeDurable(hostsRotation),
  };
}
