import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { createKnownOwners } from './known-owners.ts';

const CRON = '/usr/sbin/cron';
const NOTHING = '/opt/nothing';

function host() {
  const folder = temporaryFolder('known-owners');
  const dpkg = join(folder, 'dpkg');
  const file = join(folder, 'owners.json');
  mkdirSync(join(dpkg, 'info'), { recursive: true });
  writeFileSync(join(dpkg, 'status'), '');
  writeFileSync(join(dpkg, 'info/cron.list'), `/.\n${CRON}\n`);
  const changed = () => Math.max(...['info', 'status'].map((name) => statSync(join(dpkg, name)).ctimeMs));
  /** An inventory, so many milliseconds after the last change of the database. */
  const ask = (paths: readonly string[], afterMs = 60_000, to: string | null = file) =>
    createKnownOwners({
      dpkg,
      file: to,
      clock: fakeClock(Temporal.Instant.fromEpochMilliseconds(Math.floor(changed() + afterMs)).toString()),
    })(paths);
  /** Says something else of a list that was there, without any trace in its folder: what is remembered still stands. */
  const falsify = () => writeFileSync(join(dpkg, 'info/cron.list'), '/.\n');
  /** As dpkg does it. */
  const replace = (text: string) => {
    writeFileSync(join(dpkg, 'info/cron.list-new'), text);
    renameSync(join(dpkg, 'info/cron.list-new'), join(dpkg, 'info/cron.list'));
  };

  return { dpkg, file, ask, falsify, replace, tick: () => nextTick(join(folder, 'probe'), changed()) };
}

/** Resolves when a file that is made now is newer than `than` (milliseconds): file systems count in ticks. */
async function nextTick(probe: string, than: number): Promise<void> {
  for (;;) {
    writeFileSync(probe, '');
    const made = statSync(probe).ctimeMs;
    rmSync(probe);
    if (made > than) return;
    await new Promise(setImmediate);
  }
}

describe('when owners are remembered', () => {
  it('says the same without reading the lists, also that nobody owns a path', async () => {
    const { ask, falsify } = host();
    const first = await ask([CRON, NOTHING]);
    falsify();

    expect(first).toEqual(new Map([[CRON, 'cron']]));
    expect(await ask([CRON, NOTHING])).toEqual(first);
  });

  it('looks up what was not asked before, and keeps the rest', async () => {
    const { ask, dpkg } = host();
    await ask([CRON]);
    // In its place: the folder has not changed, so that only a path that was never asked shows it.
    writeFileSync(join(dpkg, 'info/cron.list'), `/.\n/usr/bin/crontab\n`);

    expect(await ask([CRON, '/usr/bin/crontab'])).toEqual(
      new Map([
        [CRON, 'cron'],
        ['/usr/bin/crontab', 'cron'],
      ]),
    );
  });

  it('answers several at once and keeps what all of them found', async () => {
    const { file, dpkg } = host();
    const clock = fakeClock('2100-01-01T00:00:00Z');
    const owners = createKnownOwners({ dpkg, file, clock });
    await Promise.all([owners([CRON]), owners([NOTHING]), owners([])]);

    expect(JSON.parse(readFileSync(file, 'utf8')).owners).toEqual({ [CRON]: 'cron', [NOTHING]: null });
  });

  it.each([
    ['a list was replaced', ({ replace }: ReturnType<typeof host>) => replace('/.\n')],
    ['a list went', ({ dpkg }: ReturnType<typeof host>) => rmSync(join(dpkg, 'info/cron.list'))],
    [
      'the status changed',
      ({ dpkg, falsify }: ReturnType<typeof host>) => {
        falsify();
        writeFileSync(join(dpkg, 'status'), 'x');
      },
    ],
    [
      'the status was put back in time',
      ({ dpkg, falsify }: ReturnType<typeof host>) => {
        falsify();
        utimesSync(join(dpkg, 'status'), 1, 1);
      },
    ],
  ])('looks up everything again when %s', async (_, change) => {
    const made = host();
    await made.ask([CRON]);
    // A change of the same tick would be one of a moment ago, of which nothing would have been remembered.
    await made.tick();
    change(made);

    expect(await made.ask([CRON])).toEqual(new Map());
  });

  it('remembers nothing of a database that changed a moment ago', async () => {
    const { ask, falsify, file } = host();
    await ask([CRON], 100);
    expect(() => statSync(file)).toThrow('ENOENT');
    await ask([CRON]);
    falsify();

    expect(await ask([CRON], 100)).toEqual(new Map());
  });

  it.each([
    ['torn', '{"of":"1 '],
    ['no object', 'null'],
    ['of another host', JSON.stringify({ of: 'other', owners: { [CRON]: 'foreign' } })],
  ])('is not led by a file that is %s, and writes over it', async (_, text) => {
    const { ask, file } = host();
    writeFileSync(file, text);

    expect(await ask([CRON])).toEqual(new Map([[CRON, 'cron']]));
    expect(JSON.parse(readFileSync(file, 'utf8')).owners).toEqual({ [CRON]: 'cron' });
  });

  it('is not led by owners of another type', async () => {
    const { ask, file } = host();
    await ask([CRON]);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...kept, owners: { [CRON]: { package: 'odd' } } }));

    expect(await ask([CRON])).toEqual(new Map([[CRON, 'cron']]));
  });

  it('follows no link to what is remembered', async () => {
    const { ask, file } = host();
    await ask([CRON]);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(`${file}.planted`, JSON.stringify({ ...kept, owners: { [CRON]: 'foreign' } }));
    rmSync(file);
    symlinkSync(`${file}.planted`, file);

    expect(await ask([CRON])).toEqual(new Map([[CRON, 'cron']]));
  });

  it('looks up without a place to remember them, and where that cannot be written', async () => {
    const { ask, file } = host();

    expect(await ask([CRON], 60_000, null)).toEqual(new Map([[CRON, 'cron']]));
    expect(await ask([CRON], 60_000, join(file, 'no/such/folder'))).toEqual(new Map([[CRON, 'cron']]));
  });
});
