// `npm run fleet`: simulated hosts enroll with one token, send an inventory each and, with --stay, stay connected until Ctrl-C.
// To see what a fleet does to a collector before the fleet is there; never against one whose ledger matters.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { enrollFleet, type FleetOptions, linkFleet } from './fleet.ts';
import { type Options, readOptions, USAGE } from './options.ts';

const PROGRESS_EVERY = 100;

/** Exit code 0 when every host enrolled and its inventory was committed, 1 otherwise, 2 usage. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = readOptions(args);
    if (options === null) {
      process.stdout.write(`${USAGE}\n`);

      return 0;
    }

    return await withFolder(options, (folder) => runFleet(options, folder));
  } catch (error) {
    const { code, message, next, exit } = asCoded(error);
    process.stderr.write(`error ${code}: ${message}\nnext: ${next}\n`);

    return exit;
  }
}

async function runFleet(options: Options, folder: string): Promise<number> {
  const { collector, pin, token, mode, prefix, agents, atOnce, from, patienceMs, stay, enrollOnly, json } = options;
  let enrolled = 0;
  const fleet: FleetOptions = {
    ...{ url: collector, pin, token, mode, prefix, atOnce, from, folder, patienceMs, count: agents },
    onHost: () => {
      enrolled += 1;
      if (enrolled % PROGRESS_EVERY === 0) process.stderr.write(`enrolled ${enrolled} of ${agents}\n`);
    },
  };
  const { hosts, failed, ms } = await enrollFleet(fleet);
  const began = performance.now();
  const linked = enrollOnly ? [] : await linkFleet(hosts, fleet);
  await Promise.all(linked.map(({ delivered }) => delivered));
  const document = {
    ...{ enrolled: hosts.length, failed, enrollMs: Math.round(ms) },
    inventoryMs: enrollOnly ? null : Math.round(performance.now() - began),
    perSecond: Math.round((hosts.length / ms) * 1000),
    sentAway: hosts.reduce((sum, host) => sum + host.sentAway, 0),
  };
  process.stdout.write(json ? `${JSON.stringify(document)}\n` : page(document));
  if (stay && linked.length > 0) {
    process.stderr.write(`${linked.length} hosts stay connected; Ctrl-C ends them\n`);
    await once(process, 'SIGINT');
  }
  await Promise.all(linked.map((each) => each.stop()));

  return hosts.length === agents ? 0 : 1;
}

function page(of: {
  readonly enrolled: number;
  readonly failed: object;
  readonly enrollMs: number;
  readonly inventoryMs: number | null;
  readonly perSecond: number;
  readonly sentAway: number;
}): string {
  const failures = Object.entries(of.failed).map(([code, count]) => `failed    ${count} with ${code}\n`);

  return [
    `enrolled  ${of.enrolled} in ${of.enrollMs} ms, ${of.perSecond} a second; told to come again ${of.sentAway} times\n`,
    ...failures,
    of.inventoryMs === null ? '' : `reported  an inventory each, committed in ${of.inventoryMs} ms\n`,
  ].join('');
}

async function withFolder(options: Options, work: (folder: string) => Promise<number>): Promise<number> {
  if (options.folder !== null) return work(options.folder);
  const folder = await mkdtemp(join(tmpdir(), 'selvage-fleet-'));

  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
