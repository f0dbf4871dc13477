// The floor of an enrollment: a bare HTTPS server that signs once with a P-256 key and commits one row to SQLite for each
// request, over a whole TLS 1.3 handshake each. Arguments: folder with server.key and server.crt; prints `ready PORT`.
import { constants, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';

const folder = process.argv[2];
const key = readFileSync(join(folder, 'server.key'));
const signer = createPrivateKey(key);
const database = new SQLite(join(folder, 'bare.sqlite'));
database.pragma('journal_mode = wal');
// As ours: durable at each commit.
database.pragma('synchronous = full');
database.exec('create table requests (body text, signature blob)');
const insert = database.prepare('insert into requests values (?, ?)');

const server = createServer(
  {
    key,
    cert: readFileSync(join(folder, 'server.crt')),
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
  },
  (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const signature = sign('sha256', body, signer);
      insert.run(body.toString('utf8'), signature);
      response.writeHead(200, { 'content-length': signature.length, connection: 'close' }).end(signature);
    });
  },
);
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready ${server.address().port}\n`));
