// The way to the collector from a chosen address of this machine: every address of 127.0.0.0/8 is one, so that many hosts of
// one process come from as many places.
import { once } from 'node:events';
import { connect } from 'node:net';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Connect } from '@selvage/shared/pki/https.ts';

export function directlyFrom(localAddress: string): Connect {
  return async ({ host, port }, signal) => {
    const socket = connect({ host, port, localAddress });
    const abort = () => socket.destroy(new CodedError('UNREACHABLE', `no connection to ${host}:${port} in time`));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });

    try {
      await once(socket, 'connect');

      return socket;
    } catch (cause) {
      throw new CodedError('UNREACHABLE', `no connection from ${localAddress} to ${host}:${port}`, { cause });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };
}
