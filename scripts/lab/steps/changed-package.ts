// The window is open now, but on one host somebody has put another package of the same name and size into the mirror folder.
import { copyFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pass, signAndMirror, versionsOf } from '../asking.ts';
import { FORGED_FIX, FORGED_MARK, OLD_WIDGET, POLICY, policyDocuments, WINDOW_NOW } from '../cast.ts';
import { buildDeb, fileName } from '../deb.ts';
import { expectThat } from '../expectation.ts';
import { fileOf, type LabHost, type Stage } from '../stage.ts';
import type { Step } from '../step.ts';

export const changedPackage: Step = {
  name: 'changed-package',
  title: 'The window opens; a changed package of the same size in the mirror folder is refused',
  play: async (stage) => {
    const file = await stage.paper('now.yaml', policyDocuments(WINDOW_NOW, stage.began));
    await signAndMirror(stage, ['policy', 'push', file]);

    const host = victim(stage);
    const target = await mirrored(host);
    const before = await stat(target);
    const forged = await buildDeb(stage.run, FORGED_FIX, join(stage.folder, 'forged'));
    await rm(target);
    await copyFile(forged, target);
    await host.sandbox.handOver();
    const { size } = await stat(target);
    expectThat(size === before.size, `the forged package to have the true one's ${before.size} bytes`, size);

    const [result] = await pass(host);
    expectThat(
      result?.outcome === 'refused' && result.problem?.code === 'MIRROR_REFUSED',
      `${host.name} to refuse its mirror folder`,
      result,
    );
    const versions = await versionsOf(host);
    expectThat(versions.widget === OLD_WIDGET, `widget to stay at ${OLD_WIDGET}`, versions);
    const mark = await fileOf(host, FORGED_MARK);
    expectThat(mark === null, 'no script of the forged package to have run', mark);

    return {
      lines: [
        `${host.name}: ${fileName(FORGED_FIX)} replaced by another of ${size} bytes`,
        `refused with ${result.problem.code}: ${firstLine(result.problem.message)}`,
        `widget is still ${versions.widget}`,
      ],
      facts: {
        host: host.name,
        policy: POLICY,
        bytes: size,
        outcome: result.outcome,
        code: result.problem.code,
        widget: versions.widget,
      },
    };
  },
};

/** What apt says goes on with all hashes. */
function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function victim(stage: Stage): LabHost {
  const host = stage.hosts.at(-1);
  expectThat(host !== undefined, 'a host', stage.hosts);

  return host;
}

/** Where the fetcher put the approved package. */
async function mirrored(host: LabHost): Promise<string> {
  const folder = join(host.stateDir, 'packages');
  const files = await readdir(folder, { recursive: true });
  const found = files.filter((path) => path.endsWith(`/${fileName(FORGED_FIX)}`));
  expectThat(found.length === 1, `one ${fileName(FORGED_FIX)} in the mirror folder`, files);

  return join(folder, found[0] ?? '');
}
