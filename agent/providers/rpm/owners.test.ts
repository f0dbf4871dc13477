// Who owns the code that runs on an rpm host, asked of the real rpm: without it no old library has a name and nothing that listens a source.
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { expect, it } from 'vitest';
import { collectListeners } from '../../inventory/sections/listeners.ts';
import { collectStaleProcesses } from '../../inventory/sections/stale-processes.ts';
import { testContext, writeTree } from '../../inventory/testing/context.ts';
import { createRpmObserver } from './observer.ts';
import { makeRpmDatabase } from './testing/database.ts';

const LIBRARY = '/usr/lib64/libwidget-of-selvage.so.1';
const OLD = '/usr/lib64/libmerged-of-selvage.so.1';
const DAEMON = '/usr/sbin/widgetd-of-selvage';
const map = (path: string) => `7f0a3c028000-7f0a3c1bd000 r-xp 00028000 fe:00 131090   ${path} (deleted)\n`;

needs(['rpm', 'rpmbuild'], 'when the owner of a file is asked of rpm', () => {
  const made = () => {
    const root = temporaryFolder('rpm-owners');
    const package_ = { version: '1.0', release: '1' };
    makeRpmDatabase(
      join(root, 'var/lib/rpm'),
      [
        { ...package_, name: 'widget-libs', files: [LIBRARY, '/usr/share/doc/widget/readme'] },
        // As el8 lists what lies in /usr/lib64.
        { ...package_, name: 'merged', files: [OLD.replace('/usr', '')] },
        { ...package_, name: 'widgetd', files: [DAEMON] },
      ],
      `${root}-build`,
    );
    const run = createRun({});

    return { root, observer: createRpmObserver('dnf', { root, run }) };
  };

  it('each path has its package, also where the file is gone or nobody owns its neighbour', async () => {
    const { observer } = made();
    const odd = [
      '/usr/lib64/none-of-selvage.so',
      '/usr/share/doc/widget',
      'relative',
      '--eval',
      `/${'x'.repeat(5000)}`,
    ];
    expect([...((await observer.owners?.([LIBRARY, OLD, DAEMON, ...odd])) ?? [])].sort()).toEqual([
      [OLD, 'merged'],
      [LIBRARY, 'widget-libs'],
      [DAEMON, 'widgetd'],
    ]);
    expect(await observer.owners?.([])).toEqual(new Map());
  });

  it('old code and what listens have their packages in the inventory', async () => {
    const { root, observer } = made();
    writeTree(root, {
      'proc/10/comm': 'widgetd\n',
      'proc/10/cgroup': '0::/system.slice/widgetd.service\n',
      'proc/10/stat': '10 (widgetd) S 1 1 1 0 -1 4194560 1 2\n',
      'proc/10/exe': `→ ${DAEMON}`,
      'proc/10/maps': map(LIBRARY),
      'proc/10/fd/3': '→ socket:[7]',
      'proc/self/net/tcp':
        'head\n   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1\n',
      'proc/uptime': 'x',
    });
    const context = testContext({ root, proc: join(root, 'proc'), observers: [observer] });
    expect((await collectStaleProcesses(context)).processes).toMatchObject([{ pid: 10, package: 'widget-libs' }]);
    expect(await collectListeners(context)).toMatchObject([{ port: 80, pid: 10, package: 'widgetd' }]);
  });
});
