// The floors: one program that does nothing (`empty`), holds one mutual-TLS connection (`tls`), or a bare `ws` client over it
// (`ws`). Arguments: what, address, folder with host.key, host.crt and authority.crt. Prints `ready`. Bundled before it runs,
// as ours is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , what, url, folder] = process.argv;
const ready = () => process.stdout.write('ready\n');
const options = () => ({
  key: readFileSync(join(folder, 'host.key')),
  cert: readFileSync(join(folder, 'host.crt')),
  ca: readFileSync(join(folder, 'authority.crt')),
  minVersion: 'TLSv1.3',
});

if (what === 'empty') {
  setInterval(() => undefined, 2 ** 30);
  ready();
} else if (what === 'tls') {
  const { connect } = require('node:tls');
  const { hostname, port } = new URL(url);
  connect({ ...options(), host: hostname, port }, ready).on('data', () => undefined);
} else {
  const { WebSocket } = require('ws');
  const socket = new WebSocket(url, { ...options(), perMessageDeflate: false });
  socket.on('open', ready);
  socket.on('message', () => undefined);
}
