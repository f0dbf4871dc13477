// PEM blocks as RFC 7468 section 3 wants them written: one block, 64 characters a line. Lax variants are refused.

const LINE_CHARACTERS = 64;

/** The strict textual encoding of `der`. */
export function toPem(label: string, der: Uint8Array): string {
  const text = Buffer.from(der).toString('base64');
  const lines = text.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];

  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The bytes of exactly one block with that label and nothing around it, else null. */
export function fromPem(label: string, pem: string): Uint8Array | null {
  const head = `-----BEGIN ${label}-----\n`;
  const tail = `\n-----END ${label}-----\n`;
  const text = pem.replaceAll('\r\n', '\n');
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return null;

  const der = Buffer.from(text.slice(head.length, -tail.length).replaceAll('\n', ''), 'base64');

  // Node skips what is no base64; writing it again shows whether anything was skipped.
  return toPem(label, der) === text ? new Uint8Array(der) : null;
}
