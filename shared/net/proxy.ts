// Which proxy, if any, leads to a server: from settings, else from the environment as curl reads it.
// Pure. Credentials of a proxy leave an address only as the header that is sent to it: no text, log or JSON shows them.
import { BlockList, isIP, isIPv6 } from 'node:net';
import { CodedError } from '../errors/coded-error.ts';

const HTTP_PORT = 80;

/** A proxy that takes CONNECT over plain HTTP; TLS to the server goes through it, end to end. */
export class ProxyAddress {
  /** An IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly #credentials: string | null;

  constructor(host: string, port: number, credentials: string | null) {
    this.host = host;
    this.port = port;
    this.#credentials = credentials;
  }

  /** Value of Proxy-Authorization (RFC 7617), null without credentials. */
  authorization(): string | null {
    return this.#credentials === null ? null : `Basic ${Buffer.from(this.#credentials).toString('base64')}`;
  }

  toString(): string {
    return `${isIPv6(this.host) ? `[${this.host}]` : this.host}:${this.port}`;
  }

  toJSON(): string {
    return `http://${this.#credentials === null ? '' : '***@'}${this.toString()}`;
  }
}

/** `none`: always directly. Null: as the environment says. */
export type ProxySetting = ProxyAddress | 'none' | null;

/** What of the environment decides; the spelling in lower case wins, as in curl. */
export interface ProxyEnvironment {
  readonly https_proxy?: string | undefined;
  readonly HTTPS_PROXY?: string | undefined;
  readonly no_proxy?: string | undefined;
  readonly NO_PROXY?: string | undefined;
}

/**
 * `http://[user:password@]host[:port]`, the user and password percent-encoded; without a scheme http is meant. Throws
 * SETTINGS_INVALID, which says what is wrong with `where` and never what stands there.
 */
export function parseProxy(text: string, where: string): ProxyAddress {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol !== 'http:' || url.hostname === '' || !['', '/'].includes(url.pathname) || url.search || url.hash) {
    throw new CodedError(
      'SETTINGS_INVALID',
      `${where} is not the address of a proxy such as http://proxy.example:3128`,
    );
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port || HTTP_PORT);
  if (url.username === '' && url.password === '') return new ProxyAddress(host, port, null);

  try {
    const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    // RFC 7617 section 2: the first colon ends the user.
    if (!user.includes(':')) return new ProxyAddress(host, port, `${user}:${password}`);
  } catch (error) {
    // No cause: a URIError may quote what it could not decode.
    if (!(error instanceof URIError)) throw error;
  }
  throw new CodedError('SETTINGS_INVALID', `the user or password in ${where} is not percent-encoded`);
}

/** The proxy on the way to `target`, null for none. This machine itself is never behind the environment's proxy. Throws SETTINGS_INVALID for an environment that cannot be read. */
export function proxyFor(
  target: { readonly host: string; readonly port: number },
  setting: ProxySetting,
  environment: ProxyEnvironment,
): ProxyAddress | null {
  if (setting === 'none') return null;
  if (setting !== null) return setting;

  const name = environment.https_proxy === undefined ? 'HTTPS_PROXY' : 'https_proxy';
  const text = environment[name]?.trim() ?? '';
  if (text === '' || isLoopback(target.host) || isExcepted(target, environment.no_proxy ?? environment.NO_PROXY ?? ''))
    return null;

  return parseProxy(text, name);
}

/** As Go and Chromium have it: a proxy elsewhere cannot reach what `localhost` means here. */
function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family !== 0) return inNetwork(host, family === 4 ? 'ipv4' : 'ipv6', family === 4 ? '127.0.0.0/8' : '::1');

  return /^(.+\.)?localhost\.?$/i.test(host);
}

/**
 * NO_PROXY: entries between commas or blanks. `*` excepts everything; a name excepts itself and what ends with it after a
 * dot (a leading dot or `*.` changes nothing); an address excepts itself, `10.0.0.0/8` a network; `:port` narrows it.
 */
function isExcepted({ host, port }: { readonly host: string; readonly port: number }, list: string): boolean {
  const wanted = host.toLowerCase().replace(/\.$/, '');

  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const parts = /^(?:\[(?<address>[^\]]+)\]|(?<name>[^:]+))(?::(?<port>\d{1,5}))?$/.exec(entry)?.groups;
      // An IPv6 address may also stand without brackets, and then has no port.
      const name = (parts?.address ?? parts?.name ?? entry).toLowerCase();
      if (parts?.port !== undefined && Number(parts.port) !== port) return false;

      return matches(wanted, name);
    });
}

function matches(host: string, entry: string): boolean {
  const family = isIP(host);
  if (family !== 0) return inNetwork(host, family === 4 ? 'ipv4' : 'ipv6', entry);
  const suffix = entry.replace(/^\*?\./, '').replace(/\.$/, '');

  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
}

function inNetwork(host: string, family: 'ipv4' | 'ipv6', entry: string): boolean {
  const [address = '', prefix] = entry.split('/');
  if (isIP(address) !== (family === 'ipv4' ? 4 : 6)) return false;
  const whole = family === 'ipv4' ? 32 : 128;
  const bits = prefix === undefined ? whole : Number(/^\d{1,3}$/.test(prefix) ? prefix : Number.NaN);
  // An entry that cannot be read excepts nothing.
  if (!(bits <= whole)) return false;
  const network = new BlockList();
  network.addSubnet(address, bits, family);

  return network.check(host, family);
}
