// The floor: a bare `ws` server over mutual TLS 1.3 that sends every message back. Arguments: folder with server.key,
// server.crt and authority.crt; prints `ready PORT`.
import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';

const folder = process.argv[2];
const server = createServer({
  key: readFileSync(join(folder, 'server.key')),
  cert: readFileSync(join(folder, 'server.crt')),
  ca: readFileSync(join(folder, 'authority.crt')),
  minVersion: 'TLSv1.3',
  requestCert: true,
  rejectUnauthorized: true,
  // As ours: no tickets, every connection is a whole handshake.
  secureOptions: constants.SSL_OP_NO_TICKET,
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
sockets.on('connection', (socket) => {
  socket.on('message', (data) => socket.send(data));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready ${server.address().port}\n`));
