// Counts sockets that have not proven which host they are, in all and per address, so that idle strangers cannot use up
// the listener. A socket counts until it is upgraded or closed.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { GatewayLimits } from './limits.ts';

export class Strangers {
  readonly #limits: GatewayLimits;
  /** By address and port, because the TLS layer hands out another object for the same socket. */
  readonly #sockets = new Map<string, Socket>();
  readonly #perAddress = new Map<string, number>();

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
  }

  /** False when there are too many already; the socket is not counted then. */
  admit(socket: Socket): boolean {
    const address = socket.remoteAddress ?? '';
    const key = keyOf(socket);
    const count = this.#perAddress.get(address) ?? 0;
    if (this.#sockets.size >= this.#limits.unauthenticated || count >= this.#limits.unauthenticatedPerAddress) {
      return false;
    }

    this.#sockets.set(key, socket);
    this.#perAddress.set(address, count + 1);
    socket.once('close', () => this.#forget(key, address));

    return true;
  }

  /** The socket has proven which host it is. */
  known(socket: Duplex): void {
    if (socket instanceof TLSSocket) this.#forget(keyOf(socket), socket.remoteAddress ?? '');
  }

  destroyAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #forget(key: string, address: string): void {
    if (!this.#sockets.delete(key)) return;
    const count = (this.#perAddress.get(address) ?? 1) - 1;
    if (count > 0) this.#perAddress.set(address, count);
    else this.#perAddress.delete(address);
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
