// The shape of an OSV record, as far as it is used (OSV schema 1.7). Whatever else is in it is not looked at.
import { z } from 'zod';

/** Packages of one record: an update of all of a desktop has some thousand. */
const MAX_AFFECTED = 20_000;
const MAX_LIST = 20_000;

const texts = z.array(z.string()).max(MAX_LIST);
const severity = z.array(z.object({ type: z.string(), score: z.string() })).max(1000);

const affected = z.object({
  // Empty where the entry is about commits only.
  package: z
    .object({ ecosystem: z.string().optional(), name: z.string().optional(), purl: z.string().optional() })
    .nullish(),
  ranges: z
    .array(
      z.object({
        type: z.string(),
        events: z
          .array(
            z.object({
              introduced: z.string().optional(),
              fixed: z.string().optional(),
              last_affected: z.string().optional(),
              limit: z.string().optional(),
            }),
          )
          .max(MAX_LIST),
      }),
    )
    .max(MAX_LIST)
    .optional(),
  versions: texts.nullish(),
  severity: severity.nullish(),
  ecosystem_specific: z
    .object({ urgency: z.string().optional(), availability: z.string().optional() })
    .nullish()
    // Every ecosystem puts there what it likes: no vulnerability is lost for it.
    .catch(null),
  database_specific: z
    .object({
      cves_map: z
        .object({
          cves: z
            .array(z.object({ id: z.string() }))
            .max(MAX_LIST)
            .nullish(),
        })
        .nullish(),
      status: z.string().optional(),
      last_known_affected_version_range: z.string().optional(),
    })
    .nullish()
    // Every database puts there what it likes.
    .catch(null),
});

export const osvRecord = z.object({
  id: z.string().min(1),
  modified: z.string().nullish(),
  published: z.string().nullish(),
  withdrawn: z.string().nullish(),
  summary: z.string().nullish(),
  aliases: texts.nullish(),
  upstream: texts.nullish(),
  related: texts.nullish(),
  severity: severity.nullish(),
  affected: z.array(affected).max(MAX_AFFECTED).nullish(),
});

export type OsvRecord = z.infer<typeof osvRecord>;
export type OsvAffected = z.infer<typeof affected>;
