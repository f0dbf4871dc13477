// selvage scan: findings of something that is not enrolled. It is read here; the collector is asked what is known of its software.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { ScanReport } from '../../api/contract/scan.ts';
import type { Cli } from '../cli.ts';

/** The most urgent first; what is as urgent as the one asked for, or more, ends with 1. */
const FAIL_ON = ['immediate', 'out-of-cycle', 'scheduled', 'defer'] as const;
type FailOn = (typeof FAIL_ON)[number];

interface Options {
  readonly osRelease?: string;
  readonly asOf?: string;
  readonly failOn?: FailOn;
  readonly all?: boolean;
  readonly json?: boolean;
}

const HELP = `
PATH is told by what is in it (gzip is fine):
  a dpkg status file          /var/lib/dpkg/status of a system
  a list of rpm packages      rpm -qa, better with epochs and modules (rpm before 4.14 has no modularitylabel: leave it out there)
                              rpm -qa --qf '%{name} %{epoch} %{version} %{release} %{arch} %{modularitylabel}\\n'
  a tar of collect.sh         see: selvage host collect-script
  an SBOM                     CycloneDX JSON; SPDX 2 as JSON or tag-value
  apk's installed database    lib/apk/db/installed
  a folder                    the root of another system, such as an unpacked image
Lists do not say of which release they are: --os-release FILE is a copy of that system's /etc/os-release.
Nothing of it is kept. Packages that no feed watches are counted as unknown, never as clean.
Exit codes: 1 with --fail-on when something is as urgent or its decision is unknown; 2 when PATH says nothing that could be judged.`;

export function addScan(program: Command, cli: Cli): void {
  program
    .command('scan')
    .description('findings of a package list, an SBOM or a root folder, without an agent')
    .argument('<path>', 'a file or folder; see below')
    .option('--os-release <file>', "a copy of the scanned system's /etc/os-release")
    .option('--as-of <date>', 'what became known after this day (UTC) does not count', dayOption)
    .addOption(new Option('--fail-on <decision>', 'end with 1 when something is as urgent').choices([...FAIL_ON]))
    .option('--all', 'list also what has no fix and is not urgent')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((path: string, options: Options) => scan(cli, path, options));
}

async function scan(cli: Cli, path: string, options: Options): Promise<void> {
  // Loaded only here: every other command starts without them.
  const [{ readSubject }, { openSession }, { scanReport }, { scanDocument, showScan }] = await Promise.all([
    import('../../scan/read.ts'),
    import('../cli.ts'),
    import('../../api/contract/scan.ts'),
    import('../scan-page.ts'),
  ]);
  const today = cli.clock.now().toString().slice(0, 10);
  if (options.asOf !== undefined && options.asOf > today) {
    throw new CodedError('USAGE', `${options.asOf} is in the future: nobody knows what will be known then`, {
      next: 'choose a day up to today',
    });
  }
  const subject = await readSubject(path, { osRelease: options.osRelease ?? null });
  const { client } = await openSession(cli);
  const { installed: software, epochsUnknown } = subject;
  const report = await client.post('/v1/scan', { software, asOf: options.asOf ?? null, epochsUnknown }, scanReport);

  if (options.json === true) cli.screen.json(scanDocument(path, subject, report));
  else showScan(cli.screen, path, subject, report, options.all === true);
  if (options.failOn !== undefined) refuse(report, options.failOn);
}

/** Throws SCAN_REACHED. What cannot be decided is not milder than what was asked for. */
function refuse({ counts }: ScanReport, failOn: FailOn): void {
  const reached = FAIL_ON.slice(0, FAIL_ON.indexOf(failOn) + 1);
  const found = [...reached, 'unknown' as const].filter((word) => counts[word] > 0);
  if (found.length === 0) return;

  throw new CodedError(
    'SCAN_REACHED',
    `${found.map((word) => `${counts[word]} ${word}`).join(', ')}: --fail-on ${failOn} asks to stop for that`,
    { details: { failOn, counts } },
  );
}

function dayOption(value: string): string {
  const day = z.iso.date().safeParse(value);
  if (!day.success) throw new InvalidArgumentError(`"${value}" is no day such as 2026-01-31.`);

  return day.data;
}
