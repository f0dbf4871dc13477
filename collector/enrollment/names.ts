// Names that hosts and admins may have. A name ends up in lists, file names and commands, so its alphabet is small; two
// names that differ only in case are one.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { ADMIN_NAME } from '@selvage/shared/pki/certificate.ts';

/** RFC 1123 host names, and the underscore that real machines have. */
const HOST_NAME = /^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$/;
const ADMIN = new RegExp(`^${ADMIN_NAME}$`);

/** The name in lower case. Throws USAGE. */
export function hostName(text: string): string {
  return checked(text, HOST_NAME, 'host');
}

/** The name in lower case. Throws USAGE. */
export function adminName(text: string): string {
  return checked(text, ADMIN, 'admin');
}

function checked(text: string, pattern: RegExp, kind: string): string {
  const name = text.toLowerCase();
  if (pattern.test(name)) return name;

  throw new CodedError('USAGE', `${JSON.stringify(text)} cannot be the name of a ${kind}`, {
    next: 'use letters, digits, ".", "_" and "-", with a letter or digit at both ends',
  });
}
