// What every list takes and says about a select text: the shapes only.
import { z } from 'zod';

const SELECT_HELP =
  'Select text, such as `tier=web and os=debian-12 and seen>3d`: comparisons (= != < <= > >=, in (a, b), * for any text) joined by and, or, not and parentheses. What is not known is not selected and counted under `selection.unknown`. Grammar and fields: docs/select.md, `selvage help select`. A wrong one answers SELECT_INVALID with the column.';

/** The query parameter of every list. */
export const selectText = z.string().describe(SELECT_HELP).optional();

const count = z.number().int().nonnegative();

/** How a select text was understood, and what it left out; null where none was given. */
export const selection = z
  .strictObject({
    /** The text as it was understood. */
    select: z.string(),
    /** Things looked at, selected, and left out because it is not known whether. */
    of: count,
    selected: count,
    unknown: count,
    /** The fields on which the unknown ones hang; one of them may hang on several. */
    because: z.array(z.strictObject({ field: z.string(), count })),
    notes: z.array(z.string()),
  })
  .nullable();
