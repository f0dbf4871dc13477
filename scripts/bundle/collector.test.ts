// The bundled collector is what is shipped: whatever it starts as a thread is in it, and what people bring is read there.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDaemon } from '../e2e/testing/daemon.ts';
import { ask, succeeded } from '../lab/commands.ts';
import { freePorts } from '../lab/free-ports.ts';
import { bundleCollector } from './collector.ts';

const run = createRun(process.env);
const folder = temporaryFolder('bundled-collector');
const env = { SELVAGE_HOME: join(folder, 'home') };
let entry: string;

const selvage = (...args: readonly string[]) =>
  ask(run, { file: process.execPath, args: [entry, ...args], cwd: folder, env }, `selvage ${args.join(' ')}`);
const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);

  return join(folder, name);
};

beforeAll(async () => {
  ({ entry } = await bundleCollector(join(folder, 'program'), process.arch));
});

describe('when the collector is bundled', () => {
  it('every thread that some part starts lies beside it', () => {
    const parts = join(folder, 'program/collector/parts');
    const names = readdirSync(parts);
    const started = names.flatMap((name) =>
      Array.from(
        readFileSync(join(parts, name), 'utf8').matchAll(/[.]\/([a-z-]+-thread)\$\{/g),
        ([, thread]) => `${thread}.mjs`,
      ),
    );

    expect(started.length).toBeGreaterThan(4);
    expect(started.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('it takes feeds, VEX documents and reports of scanners from a folder that holds nothing else', async () => {
    const [gateway, api] = await freePorts(2);
    succeeded(await selvage('init', '--local', '--gateway-port', `${gateway}`, '--api-port', `${api}`));
    const daemon = startDaemon({ file: process.execPath, args: [entry, 'serve', '--ready-line'], env });
    onTestFinished(() => daemon.kill('SIGTERM'));
    await daemon.line(/^ready /);
    const kev = join(folder, 'program/collector/feeds/snapshot/kev.json.gz');
    const vex = {
      ...{ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': 'urn:example:1', author: 'Example', version: 1 },
      timestamp: '2025-01-01T00:00:00Z',
      statements: [
        {
          ...{ vulnerability: { name: 'CVE-2024-0001' }, products: [{ '@id': 'pkg:deb/debian/openssl' }] },
          ...{ status: 'not_affected', justification: 'component_not_present' },
        },
      ],
    };
    const report =
      '<NessusClientData_v2><Report name="r"><ReportHost name="nobody"><HostProperties></HostProperties><ReportItem severity="3" pluginName="x"><cve>CVE-2024-0001</cve></ReportItem></ReportHost></Report></NessusClientData_v2>';

    expect(succeeded(await selvage('feed', 'import', kev)).stdout).toContain('kev: ');
    succeeded(await selvage('vex', 'import', write('words.json', JSON.stringify(vex))));
    const compared = await selvage('finding', 'compare', write('report.nessus', report));
    expect(`${compared.stdout}${compared.stderr}`).toContain('nobody');
    expect(`${compared.stdout}${compared.stderr}`).not.toContain('INTERNAL');
  });
});
