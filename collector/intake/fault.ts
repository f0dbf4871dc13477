// Whether bytes of a host are JSON of a section's shape. It may take long (16 bytes of nesting cost more than a megabyte of
// text): see ./parser.ts for where it runs.
import { SECTIONS, type SectionName } from '@selvage/shared/model/inventory.ts';
import type { z } from 'zod';

/** Wrong places named in a refusal. */
const SHOWN_ISSUES = 5;

/** Null when they are, else why not. */
export function faultOf(name: SectionName, json: Uint8Array): string | null {
  const value = parsed(json);
  if (value === undefined) return `section ${name} is not JSON`;
  const decoded = SECTIONS[name].safeParse(value);

  return decoded.success ? null : `section ${name}: ${issues(decoded.error)}`;
}

/** JSON of bounded bytes, undefined when it is none. */
export function parsed(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (error) {
    // What JSON.parse and TextDecoder throw for wrong bytes; RangeError for what is nested too deep.
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The first wrong places of data from a host, short. */
export function issues(error: z.ZodError): string {
  const shown = error.issues.slice(0, SHOWN_ISSUES).map((issue) => `${issue.path.join('.')}: ${issue.message}`);

  return [...shown, ...(error.issues.length > SHOWN_ISSUES ? ['…'] : [])].join('; ');
}
