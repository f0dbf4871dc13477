// The way to a server: directly, or through a proxy by CONNECT (RFC 9110 section 9.3.6). It hands over a plain socket;
// TLS is the caller's, end to end, so that a proxy sees and changes nothing. It never tries another way than the one chosen.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectSocket, isIPv6, type Socket } from 'node:net';
import { CodedError } from '../errors/coded-error.ts';
import type { Connect } from '../pki/https.ts';
import type { ProxyAddress } from './proxy.ts';

/** Bytes of the proxy's answer. */
const MAX_ANSWER_BYTES = 16 * 1024;

type Target = Parameters<Connect>[0];

/** Opens sockets through whatever `choose` names for a target, null for none; its errors pass through. */
export function connectVia(choose: (target: Target) => ProxyAddress | null): Connect {
  return async (target, signal) => {
    const proxy = choose(target);

    return proxy === null ? directly(target, signal) : through(proxy, target, signal);
  };
}

/** Without any proxy, whatever the environment says. */
export const directly: Connect = async ({ host, port }, signal) => {
  const socket = connectSocket({ host, port });
  const abort = () => socket.destroy(new CodedError('UNREACHABLE', `no connection to ${host}:${port} in time`));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });

  try {
    await once(socket, 'connect');

    return socket;
  } catch (error) {
    // A collector that is being restarted refuses: that is no fault of this program, and a reason to come back soon.
    if (error instanceof CodedError) throw error;
    throw new CodedError('UNREACHABLE', `no connection to ${host}:${port}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

function through(proxy: ProxyAddress, { host, port }: Target, signal: AbortSignal): Promise<Socket> {
  const target = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const authorization = proxy.authorization();

  return new Promise((resolve, reject) => {
    const sent = request({
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: target,
      agent: false,
      maxHeaderSize: MAX_ANSWER_BYTES,
      headers: { host: target, ...(authorization === null ? {} : { 'proxy-authorization': authorization }) },
    });
    const abort = () => sent.destroy(new CodedError('UNREACHABLE', `the proxy ${proxy} did not answer in time`));
    const over = () => signal.removeEventListener('abort', abort);

    sent.once('error', (error) => {
      over();
      reject(explain(error, proxy));
    });
    sent.once('connect', (answer: IncomingMessage, socket: Socket, head: Buffer) => {
      over();
      if (answer.statusCode !== 200) {
        socket.destroy();
        reject(refused(proxy, target, answer.statusCode ?? 0));

        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    sent.end();
  });
}

/** 407 is the one answer whose cause is known; what a proxy writes beside the number is not shown. */
function refused(proxy: ProxyAddress, target: string, status: number): CodedError {
  const why = status === 407 ? 'asks for other credentials than it was given (407)' : `answered ${status}`;

  return new CodedError('PROXY_REFUSED', `the proxy ${proxy} does not connect to ${target}: it ${why}`);
}

function explain(error: Error & { readonly code?: unknown }, proxy: ProxyAddress): CodedError {
  if (error instanceof CodedError) return error;
  if (String(error.code).startsWith('HPE_')) {
    return new CodedError('PROXY_REFUSED', `the proxy ${proxy} does not answer as a proxy does`, { cause: error });
  }

  return new CodedError('UNREACHABLE', `no connection to the proxy ${proxy}`, { cause: error });
}
