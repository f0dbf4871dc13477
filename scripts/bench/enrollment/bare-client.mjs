// Asks the bare server so many times, so many at once, each over a connection of its own. Arguments: port, count, at once, file
// with the authority (PEM); prints `done MS`.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';

const [port, count, atOnce] = process.argv.slice(2, 5).map(Number);
const ca = readFileSync(process.argv[5]);
/** As much as an enrollment sends. */
const body = Buffer.alloc(1500, 'x');
let next = 0;
const began = performance.now();
await Promise.all(Array.from({ length: atOnce }, worker));
process.stdout.write(`done ${performance.now() - began}\n`);

async function worker() {
  while (next++ < count) await ask();
}

function ask() {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': body.length };
    const sent = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/',
      ca,
      agent: false,
      minVersion: 'TLSv1.3',
      headers,
    });
    sent.once('response', (response) => response.resume().once('end', resolve));
    sent.once('error', reject);
    sent.end(body);
  });
}
