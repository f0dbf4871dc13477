// How many signatures a change of policy has and whose it still needs, in words. Pure.

/** Of one that several keys sign. */
export interface Signatures {
  /** Keys of different admins that must sign. */
  readonly needed: number;
  readonly have: number;
  /** Admins, or keys that nobody is known by, whose signature would count. */
  readonly from: readonly string[];
  /** Why it can be signed no more, null while it can. */
  readonly problem: string | null;
}

const MAX_NAMES = 8;

/** `1 of 2 signatures, needs one of: bob, carol`. */
export function signaturesText({ needed, have, from, problem }: Signatures): string {
  const so = `${have} of ${needed} ${needed === 1 ? 'signature' : 'signatures'}`;
  if (problem !== null) return `${so}; ${problem}`;
  const names = from.slice(0, MAX_NAMES).join(', ') || 'nobody who is left';
  const more = from.length > MAX_NAMES ? ', …' : '';
  const missing = Math.max(1, needed - have);
  const needs = have >= needed ? 'needs' : missing === 1 ? 'needs one of' : `needs ${missing} of`;

  return `${so}, ${needs}: ${names}${more}`;
}
