// Many hosts in one process: opens connections over mutual TLS 1.3, says one message on each, waits for one answer, then
// stays and says a heartbeat each interval. Argument: a JSON file { url, count, concurrency, heartbeatSeconds, authority,
// key, certificates, hellos, ping } (PEM texts; messages in base64). Prints `open MS`; ends when standard input ends.
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { WebSocket } from 'ws';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ping = Buffer.from(job.ping, 'base64');
const sockets = [];
const began = performance.now();
let next = 0;

await Promise.all(Array.from({ length: job.concurrency }, worker));
process.stdout.write(`open ${performance.now() - began}\n`);

let index = 0;
const step = 100;
const beat = setInterval(() => {
  const share = Math.ceil((sockets.length * step) / (job.heartbeatSeconds * 1000));
  for (let i = 0; i < share; i++) sockets[index++ % sockets.length]?.send(ping);
}, step);
process.stdin.resume();
process.stdin.on('end', () => {
  clearInterval(beat);
  process.exit(0);
});

async function worker() {
  while (next < job.count) {
    const mine = next++;
    sockets.push(await open(mine));
  }
}

function open(mine) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(job.url, {
      secureContext: createSecureContext({
        ca: job.authority,
        key: job.key,
        cert: job.certificates[mine % job.certificates.length],
        minVersion: 'TLSv1.3',
      }),
      perMessageDeflate: false,
    });
    socket.once('open', () => socket.send(Buffer.from(job.hellos[mine % job.hellos.length], 'base64')));
    socket.once('message', () => resolve(socket));
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) =>
      reject(new Error(`${response.statusCode} ${response.headers['selvage-code'] ?? ''}`)),
    );
    socket.once('close', (code) => {
      process.stderr.write(`connection ${mine} closed with ${code}\n`);
      reject(new Error(`closed ${code}`));
    });
  });
}
