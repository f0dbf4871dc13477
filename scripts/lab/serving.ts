// A tiny real HTTP server for an archive on 127.0.0.1, with switches for what mirrors do wrong. For the lab only: it knows
// GET and HEAD of regular files below one folder.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';

/** `ok`, an error status, `hang` (the request is never answered) or `close` (the connection is cut half-way). */
export type Answer = 'ok' | '401' | '403' | '404' | '500' | 'hang' | 'close';

export interface ServedRepository {
  readonly url: string;
  /** `GET /dists/…` lines in order. */
  readonly requests: readonly string[];
  /** How requests whose path matches are answered from now on; the last matching rule counts. */
  answer(how: Answer, paths?: RegExp): void;
  close(): Promise<void>;
}

export async function serveRepository(repository: { readonly folder: string }): Promise<ServedRepository> {
  const requests: string[] = [];
  const rules: { readonly how: Answer; readonly paths: RegExp }[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://lab').pathname);
    requests.push(`${request.method} ${path}`);
    const how = rules.findLast((rule) => rule.paths.test(path))?.how ?? 'ok';
    void respond(how, join(repository.folder, normalize(path)), request, response);
  });
  const port = await listen(server);

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answer: (how, paths = /^/) => {
      rules.push({ how, paths });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(how: Answer, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (how === 'hang') return;
  const facts = await stat(path).catch(() => null);

  if (how === 'close') {
    response.writeHead(200, { 'Content-Length': (facts?.size ?? 0) + 1 });
    response.write('x');
    setImmediate(() => response.destroy());
  } else if (how !== 'ok') {
    response.writeHead(Number(how), how === '401' ? { 'WWW-Authenticate': 'Basic realm="lab"' } : {}).end();
  } else if (!facts?.isFile()) {
    response.writeHead(404).end();
  } else {
    sendFile(path, facts, request, response);
  }
}

function sendFile(
  path: string,
  facts: { readonly size: number; readonly mtime: Date },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const modified = facts.mtime.toUTCString();
  if (request.headers['if-modified-since'] === modified) {
    response.writeHead(304).end();

    return;
  }

  response.writeHead(200, { 'Content-Length': facts.size, 'Last-Modified': modified });
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(path)
      .on('error', () => response.destroy())
      .pipe(response);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('the server has no port'));
      else resolve(address.port);
    });
  });
}
