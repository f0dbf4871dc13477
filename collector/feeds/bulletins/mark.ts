// Whose bulletins a source has: written behind its address or path as a fragment, which no server is ever sent. Pure.
//   https://ubuntu.com/security/notices/rss.xml#vendor=Ubuntu&product=Ubuntu

export interface BulletinMark {
  readonly vendor: string;
  readonly product: string | null;
}

const MAX_WORD = 100;

export function markOf({ vendor, product }: BulletinMark): string {
  const words = new URLSearchParams({ vendor, ...(product !== null && { product }) });

  return `#${words}`;
}

/** Null where the name has none. */
export function readMark(name: string): BulletinMark | null {
  const at = name.indexOf('#vendor=');
  if (at < 0 || name.length - at > 1000) return null;
  const words = new URLSearchParams(name.slice(at + 1));
  const vendor = words.get('vendor')?.slice(0, MAX_WORD) ?? '';

  return vendor === '' ? null : { vendor, product: words.get('product')?.slice(0, MAX_WORD) || null };
}
