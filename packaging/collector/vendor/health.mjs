// Exit code 0 when the collector of SELVAGE_HOME answers on this machine, 1 when it does not. For whoever watches a container: it asks for
// what anybody may have, and not who answers.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';

const DEADLINE_MS = 5000;
const USUAL_PORT = 7444;
/** Of a collector that listens everywhere. */
const ANY = ['::', '0.0.0.0'];

function end(why) {
  if (why !== null) process.stderr.write(`not healthy: ${why}\n`);
  process.exit(why === null ? 0 : 1);
}

try {
  const settings = JSON.parse(
    readFileSync(join(process.env.SELVAGE_HOME ?? '/var/lib/selvage', 'settings.json'), 'utf8'),
  );
  const listen = process.env.SELVAGE_LISTEN ?? settings.listen;
  request(
    {
      host: ANY.includes(listen) ? '127.0.0.1' : listen,
      port: process.env.SELVAGE_API_PORT ?? settings.apiPort ?? USUAL_PORT,
      path: '/v1/trust',
      rejectUnauthorized: false,
      timeout: DEADLINE_MS,
    },
    (answer) => end(answer.statusCode === 200 ? null : `it answers ${answer.statusCode}`),
  )
    .on('error', (error) => end(error.message))
    .on('timeout', () => end(`no answer in ${DEADLINE_MS} ms`))
    .end();
} catch (error) {
  end(error.message);
}
