// A change that puts and removes the same document: it would be shown as both and be one of them. Pure; it knows no policy in force.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';

/** `removed`: paths. Throws DOCUMENT_INVALID. */
export function refuseBoth(documents: readonly PolicyDocument[], removed: readonly string[]): void {
  const path = documents.map(pathOf).find((one) => removed.includes(one));
  if (path !== undefined) throw new CodedError('DOCUMENT_INVALID', `${path} is put and removed at once`);
}
