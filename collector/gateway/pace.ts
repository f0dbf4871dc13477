// Begins TLS handshakes a few in each turn of the event loop. Each is one or two milliseconds of cryptography, and the system
// hands over a thousand new connections at once: begun together, they would be one turn that nobody else gets a word in.
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

type Begin = (this: Server, socket: Socket) => void;

/**
 * Takes the server's own beginning of a handshake out and starts it for at most `perTurn` connections a turn, in the order in
 * which they came. Who has gone meanwhile costs nothing. It holds no place: a connection that says nothing delays nobody.
 */
export function paceHandshakes(server: Server, perTurn: number): void {
  const begins = server.listeners('connection') as Begin[];
  server.removeAllListeners('connection');
  const waiting: Socket[] = [];
  const next = () => {
    for (let begun = 0; begun < perTurn; ) {
      const socket = waiting.shift();
      if (socket === undefined) return;
      if (socket.destroyed) continue;
      begun += 1;
      for (const begin of begins) begin.call(server, socket);
    }
    if (waiting.length > 0) setImmediate(next);
  };

  server.on('connection', (socket: Socket) => {
    // TLS is what hears of errors later on; one that comes before it would end the process.
    socket.on('error', () => socket.destroy());
    waiting.push(socket);
    if (waiting.length === 1) setImmediate(next);
  });
}
