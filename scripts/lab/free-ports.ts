// Ports on loopback for whoever listens a moment later, and again after a restart: from below the range that the system gives to anyone who
// connects or listens somewhere, and kept from every other lab, test and start of this kind as long as this process lives.
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type ListenOptions, type Server } from 'node:net';

/** What people choose for their own services lies below. */
const LOWEST = 10_000;
/** Where Linux begins unless it is told otherwise (ip-sysctl, ip_local_port_range). */
const USUAL_END = 32_768;
const RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range';
/** Where there is less room than this the system gives nearly all ports to anyone. */
const LEAST_ROOM = 1000;
const TRIES = 500;

export async function freePorts(count: number): Promise<readonly number[]> {
  const end = await endOfOurs();
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries === TRIES) throw new Error(`no free port was found below ${end}`);
    const port = randomInt(LOWEST, end);
    if (await isOurs(port)) found.push(port);
  }

  return found;
}

/** The first port that the system may give to anyone. */
async function endOfOurs(): Promise<number> {
  const text = await readFile(RANGE_FILE, 'utf8').catch(() => '');
  const begin = Number(/^\d+/.exec(text)?.[0] ?? USUAL_END);

  return begin - LOWEST < LEAST_ROOM ? USUAL_END : begin;
}

/** True when nobody listens there, and nobody else was told so. */
async function isOurs(port: number): Promise<boolean> {
  // A name that goes with this process, whatever becomes of it. Only Linux has such names.
  const claim = process.platform === 'linux' ? await listen({ path: `\0selvage-port-${port}` }) : undefined;
  if (claim === null) return false;
  const probe = await listen({ port, host: '127.0.0.1' });
  if (probe === null) {
    claim?.close();

    return false;
  }
  await new Promise((resolve) => probe.close(resolve));
  claim?.unref();

  return true;
}

/** Null when somebody else has it. */
function listen(where: ListenOptions): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => ('code' in error && error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(where, () => resolve(server));
  });
}
