// Whose bulletins a source has: written behind its address or path as a fragment, which no server is ever sent. Pure.
//   https://ubuntu.com/security/notices/rss.xml#vendor=Ubuntu&product=Ubuntu

export const BULLETINS = 'bulletins';

export interface BulletinMark {
  readonly vendor: string;
  readonly product: string | null;
}

const START = '#vendor=';
const MAX_WORD = 100;

export function markOf({ vendor, product }: BulletinMark): string {
  const words = new URLSearchParams({ vendor, ...(product !== null && { product }) });

  return `#${words}`;
}

export function withoutMark(source: string): { readonly address: string; readonly mark: string } {
  const at = source.indexOf(START);

  return at < 0 ? { address: source, mark: '' } : { address: source.slice(0, at), mark: source.slice(at) };
}

/** Null where the name has none. */
export function readMark(name: string): BulletinMark | null {
  const at = name.indexOf(START);
  if (at < 0 || name.length - at > 1000) return null;
  const words = new URLSearchParams(name.slice(at + 1));
  const vendor = words.get('vendor')?.slice(0, MAX_WORD) ?? '';

  return vendor === '' ? null : { vendor, product: words.get('product')?.slice(0, MAX_WORD) || null };
}
