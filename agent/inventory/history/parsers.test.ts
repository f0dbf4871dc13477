// Logs as package managers write them, and as somebody may have left them: torn, forged, huge, in another language, in the hour that
// comes twice.
import { changes as changesSchema, MAX_COMMAND, MAX_TOLD_CHANGES, type Told } from '@selvage/shared/model/changes.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { harmless } from '@selvage/shared/text/harmless.ts';
import { describe, expect, it } from 'vitest';
import { aptTold, parseAptHistory } from './apt-history.ts';
import { parseDpkgLog } from './dpkg-log.ts';
import { localTimes } from './local-times.ts';
import { bounded, dpkgOnly } from './merge.ts';
import { parsePacmanLog } from './pacman-log.ts';
import { toldByRpm } from './rpm-times.ts';
import { toldOf } from './told.ts';
import { parseZyppHistory } from './zypp-history.ts';

const ZONE = 'Europe/Vienna';
const apt = (text: string, zone = ZONE) => aptTold(parseAptHistory(text, zone));
const entry = (lines: string, start = '2026-11-23  10:00:00') => `\nStart-Date: ${start}\n${lines}\n`;

/** Verbatim from a Debian 12, shortened. */
const REAL_APT = `
Start-Date: 2026-11-20  06:22:01
Commandline: /usr/bin/unattended-upgrade
Upgrade: libudev1:amd64 (252.36-1~deb12u1, 252.38-1~deb12u1)
End-Date: 2026-11-20  06:22:05

Start-Date: 2026-11-21  14:36:29
Commandline: apt-get install -qqy curl python3-crcmod
Requested-By: anna (1000)
Install: libssh2-1:amd64 (1.10.0-3+b1, automatic), curl:amd64 (7.88.1-10+deb12u12)
Downgrade: zlib1g:amd64 (1:1.3, 1:1.2)
Remove: netcat:amd64 (1.10)
Purge: nano:amd64 (7.2-1)
Reinstall: bash:amd64 (5.2)
Error: Unterprozess /usr/bin/dpkg hat Fehlercode zurückgegeben (1)
End-Date: 2026-11-21  14:36:31
`;

describe("when apt's history is read", () => {
  it('each entry has its time, command, user and packages, and what went wrong in the words of the host', () => {
    const [upgrade, install] = apt(REAL_APT);
    expect(upgrade).toMatchObject({
      ...{ source: 'apt', at: '2026-11-20T05:22:01Z', endedAt: '2026-11-20T05:22:05Z', certain: true, actor: null },
      ...{ command: '/usr/bin/unattended-upgrade', run: null, problem: null },
      changes: [{ name: 'libudev1', arch: 'amd64', from: '252.36-1~deb12u1', to: '252.38-1~deb12u1' }],
    });
    expect(install).toMatchObject({
      actor: 'anna (1000)',
      problem: 'Unterprozess /usr/bin/dpkg hat Fehlercode zurückgegeben (1)',
      changes: [
        { name: 'libssh2-1', from: null, to: '1.10.0-3+b1' },
        { name: 'curl', from: null, to: '7.88.1-10+deb12u12' },
        { name: 'bash', from: '5.2', to: '5.2' },
        { name: 'zlib1g', from: '1:1.3', to: '1:1.2' },
        { name: 'netcat', from: '1.10', to: null },
        { name: 'nano', from: '7.2-1', to: null },
      ],
    });
  });

  it('the mark of a run is taken from the option only', () => {
    const runOf = (command: string) => apt(entry(`Commandline: ${command}\nInstall: a:amd64 (1)`))[0]?.run;
    expect(runOf('apt-get install -c=/x/apt.conf -o Selvage::Run=web.openssl-3/2 -y -- a=1')).toBe('web.openssl-3/2');
    expect(runOf('apt-get install Selvage::Run=web/1')).toBeNull();
    expect(runOf('apt-get install -oSelvage::Run=web/1 a')).toBe('web/1');
    expect(runOf(`apt-get install -o Selvage::Run=${'x'.repeat(300)} a`)).toBeNull();
  });

  it('one without an end is told once, also when it has ended later', () => {
    const begun = entry('Commandline: apt upgrade\nUpgrade: a:amd64 (1, 2)');
    const [before] = apt(begun);
    const [after] = apt(`${begun}End-Date: 2026-11-23  10:00:09\n`);
    expect(before).toMatchObject({ endedAt: null });
    expect(after).toMatchObject({ id: before?.id, endedAt: '2026-11-23T09:00:09Z' });
  });

  it.each([
    ['a date that does not exist', entry('Install: a:amd64 (1)', '2026-02-31  10:00:00')],
    ['words where the date is', entry('Install: a:amd64 (1)', 'yesterday')],
    ['no packages', entry('Commandline: apt-get install a')],
    ['brackets without versions', entry('Install: a:amd64 (), b:amd64 (automatic')],
    ['an upgrade with one version', entry('Upgrade: a:amd64 (1)')],
    ['labels outside of an entry', 'Install: a:amd64 (1)\nEnd-Date: 2026-11-23  10:00:00\n'],
    ['nothing', ''],
    ['zeros', '\0'.repeat(1000)],
  ])('%s tells nothing and stops nothing', (_, text) => {
    expect(apt(text)).toEqual([]);
    expect(apt(`${text}\n${REAL_APT}`)).toHaveLength(2);
  });

  it('controls, marks of direction and half characters are harmless, and everything has its bound', () => {
    const command = `apt -o Selvage::Run=web\u001b[2J\u202e/1 \u001b[2J\u202e${'x'.repeat(5000)}\ud800`;
    const [one] = apt(
      entry(`Commandline: ${command}\nRequested-By: a\u0007b (1)\nInstall: ${'p'.repeat(9000)}:amd64 (1\u009b)`),
    );
    expect(one?.command).toHaveLength(MAX_COMMAND);
    expect(one?.run).toBe('web?[2J?/1');
    expect(harmless(JSON.stringify(one))).toBe(JSON.stringify(one));
    expect(JSON.stringify(one)).not.toMatch(/\\u001b|\\ud800/);
    expect(changesSchema.safeParse({ complete: true, problems: [], told: [one] }).success).toBe(true);
  });

  it('a line without end and a hundred thousand packages are read in no time and cut', () => {
    const many = Array.from({ length: 100_000 }, (_, at) => `p${at}:amd64 (1)`).join(', ');
    const [one] = apt(entry(`Install: ${many}`));
    expect(one?.changes.length).toBe(MAX_TOLD_CHANGES);
    expect(apt(entry(`Install: ${'('.repeat(3_000_000)}`))).toEqual([]);
    expect(apt(entry(`Install: ${'a:b (1, '.repeat(300_000)}`))).toEqual([]);
  });

  it('a second entry inside of one does not change who did the first', () => {
    const forged = entry(
      'Commandline: apt install evil\nRequested-By: eve (1002)\nInstall: evil:amd64 (1)\nRequested-By: root (0)',
    );
    expect(apt(forged)).toMatchObject([{ actor: 'eve (1002)' }]);
  });
});

describe('when local times are read', () => {
  it('the hour that comes twice goes forward with the log, and is uncertain', () => {
    const times = localTimes(ZONE);
    expect(times.read('2026-10-25', '02:50:00')).toEqual({ at: '2026-10-25T00:50:00Z', certain: false });
    expect(times.read('2026-10-25', '02:10:00')).toEqual({ at: '2026-10-25T01:10:00Z', certain: false });
    expect(times.read('2026-10-25', '03:10:00')).toEqual({ at: '2026-10-25T02:10:00Z', certain: true });
  });

  it('the hour that never comes is uncertain', () => {
    expect(localTimes(ZONE).read('2026-03-29', '02:30:00')).toMatchObject({ certain: false });
    expect(localTimes('UTC').read('2026-03-29', '02:30:00')).toEqual({ at: '2026-03-29T02:30:00Z', certain: true });
  });

  it('an entry in the hour that comes twice says so', () => {
    expect(apt(entry('Install: a:amd64 (1)', '2026-10-25  02:30:00'))).toMatchObject([{ certain: false }]);
  });
});

const REAL_DPKG = `2026-11-23 09:00:00 startup archives install
2026-11-23 09:00:00 install beta:all <none> 1.0
2026-11-23 09:00:00 status half-installed beta:all 1.0
2026-11-23 09:00:01 upgrade alpha:amd64 1.0 2.0
2026-11-23 09:00:02 status installed alpha:amd64 2.0
2026-11-23 09:00:02 status installed beta:all 1.0
2026-11-23 10:00:00 startup archives unpack
2026-11-23 10:00:00 upgrade libssl3:amd64 3.0.1 3.0.2
2026-11-23 10:00:01 startup packages configure
2026-11-23 10:00:01 status installed libssl3:amd64 3.0.2
2026-11-23 11:00:00 startup packages remove
2026-11-23 11:00:00 remove beta:all 1.0 <none>
2026-11-23 11:00:01 startup packages purge
2026-11-23 11:00:01 purge cmake-data:all 3.25.1-1 <none>
`;

describe("when dpkg's log is read", () => {
  const dpkg = (text: string, whole = true) => parseDpkgLog(text, ZONE, whole);

  it('each call is a transaction; what a removal left behind is none', () => {
    expect(dpkg(REAL_DPKG).map(({ found: { command, changes } }) => [command, changes])).toEqual([
      [
        'dpkg --install',
        [
          { name: 'beta', arch: 'all', from: null, to: '1.0' },
          { name: 'alpha', arch: 'amd64', from: '1.0', to: '2.0' },
        ],
      ],
      ['dpkg --unpack', [{ name: 'libssl3', arch: 'amd64', from: '3.0.1', to: '3.0.2' }]],
      ['dpkg --remove', [{ name: 'beta', arch: 'all', from: '1.0', to: null }]],
    ]);
  });

  it('what an apt transaction tells of is not told twice, and what was done in its time besides is told', () => {
    const history = parseAptHistory(
      '\nStart-Date: 2026-11-23  08:59:59\nInstall: beta:amd64 (1.0)\nEnd-Date: 2026-11-23  09:00:03\n' +
        '\nStart-Date: 2026-11-23  10:00:00\nUpgrade: libssl3:amd64 (3.0.1, 3.0.2)\nEnd-Date: 2026-11-23  10:00:02\n',
      ZONE,
    );
    expect(dpkgOnly(dpkg(REAL_DPKG), history).map(({ changes }) => changes.map(({ name, to }) => [name, to]))).toEqual([
      [['alpha', '2.0']],
      [['beta', null]],
    ]);
  });

  it("from before apt's oldest entry only what apt never does is told: its history was rotated away", () => {
    const history = parseAptHistory(
      '\nStart-Date: 2026-11-23  12:00:00\nInstall: x:amd64 (1)\nEnd-Date: 2026-11-23  12:00:01\n',
      ZONE,
    );
    expect(dpkgOnly(dpkg(REAL_DPKG), history)).toMatchObject([{ command: 'dpkg --install' }]);
  });

  it('an upgrade that failed is no change', () => {
    const text = `2026-11-23 09:00:00 startup archives install
2026-11-23 09:00:00 upgrade alpha:amd64 1.0 2.0
2026-11-23 09:00:01 status installed alpha:amd64 1.0
`;
    expect(dpkg(text)).toEqual([]);
  });

  it('half of a call at the beginning of a log that was cut is left out', () => {
    const cut = REAL_DPKG.slice(REAL_DPKG.indexOf('\n') + 1);
    expect(dpkg(cut, false)).toHaveLength(2);
    expect(dpkg(cut, true)).toHaveLength(3);
  });

  it.each([
    ['without versions', '2026-11-23 09:00:00 install beta:all\n'],
    ['without a name', '2026-11-23 09:00:00 install :all <none> 1\n'],
    ['a word of its own', '2026-11-23 09:00:00 sinstall beta:all <none> 1.0\n'],
    ['huge', `2026-11-23 09:00:00 status installed ${'x'.repeat(1_000_000)}\n`],
    ['of no date', '2026-99-99 09:00:00 startup archives install\n2026-99-99 09:00:00 install a:all <none> 1\n'],
  ])('a line %s tells nothing', (_, line) => {
    expect(dpkg(line)).toEqual([]);
  });
});

describe('when other logs are read', () => {
  it("zypper's history names user and command, and does not know what was there before", () => {
    const text = `# 2026-11-20 10:03:58 foo-1.0-1.1.x86_64.rpm installed ok
2026-11-20 10:03:56|command|root@web1|'zypper' 'install' 'foo'|
2026-11-20 10:03:58|install|foo|1.0-1.1|x86_64|root@web1|repo-oss|0a1b2c|
2026-11-20 10:04:10|remove |bar|2.0-3.1|noarch|root@web1|
2026-11-20 12:00:00|install|late|1|x86_64||repo|0|
2026-11-20 12:00:00|radd   |repo|http://x|
broken|line
`;
    expect(parseZyppHistory(text, ZONE)).toMatchObject([
      {
        ...{ source: 'zypper', at: '2026-11-20T09:03:56Z', endedAt: '2026-11-20T09:04:10Z' },
        ...{ actor: 'root', command: 'zypper install foo' },
        changes: [
          { name: 'foo', arch: 'x86_64', from: null, to: '1.0-1.1' },
          { name: 'bar', from: '2.0-3.1', to: null },
        ],
      },
      { actor: null, command: null, changes: [{ name: 'late' }] },
    ]);
  });

  it("pacman's log has offsets, and a transaction between its two lines", () => {
    const text = `[2026-11-20T10:03:56+0100] [PACMAN] Running 'pacman -Syu'
[2026-11-20T10:04:01+0100] [ALPM] transaction started
[2026-11-20T10:04:02+0100] [ALPM] upgraded openssl (3.0.1-1 -> 3.0.2-1)
[2026-11-20T10:04:02+0100] [ALPM] installed jq (1.7-1)
[2026-11-20T10:04:02+0100] [ALPM] removed vim (9-1)
[2026-11-20T10:04:02+0100] [ALPM-SCRIPTLET] upgraded nothing (1 -> 2)
[2026-11-20T10:04:03+0100] [ALPM] transaction completed
[2026-99-20T10:04:03+0100] [ALPM] installed never (1)
`;
    expect(parsePacmanLog(text)).toMatchObject([
      {
        ...{ source: 'pacman', at: '2026-11-20T09:04:01Z', endedAt: '2026-11-20T09:04:03Z', command: 'pacman -Syu' },
        changes: [
          { name: 'openssl', from: '3.0.1-1', to: '3.0.2-1' },
          { name: 'jq', from: null, to: '1.7-1' },
          { name: 'vim', from: '9-1', to: null },
        ],
      },
    ]);
  });

  it('packages that rpm installed in one second are known by that second, also when some were upgraded since', () => {
    const package_ = (name: string, installedAt: string | null) => ({
      ...{ provider: 'dnf' as const, name, version: '1-1', arch: 'x86_64', source: name, sourceVersion: '1-1' },
      ...{ state: 'installed', held: false, installedAt },
    });
    const at = '2026-11-20T10:00:00Z';
    const [before] = toldByRpm([package_('b', at), package_('a', at), package_('c', null)]);
    const [after] = toldByRpm([package_('b', at), package_('a', '2026-11-21T10:00:00Z')]);
    expect(before).toMatchObject({ source: 'rpm', at, changes: [{ name: 'a' }, { name: 'b' }] });
    expect(after?.id).toBe(before?.id);
  });
});

describe('when more is told than fits', () => {
  const one = (number: number, size = 1): Told => {
    const at = Temporal.Instant.from('2026-01-01T00:00:00Z').add({ seconds: number }).toString();
    const changes = Array.from({ length: size }, (_, index) => ({
      name: `p${index}`,
      arch: 'all',
      from: null,
      to: '1',
    }));
    const told = toldOf({ source: 'apt', beginning: at, at, endedAt: at, certain: true, changes });
    if (told === null) throw new Error('nothing told');

    return told;
  };

  it('the newest stay, and it is said', () => {
    const told = Array.from({ length: 10 }, (_, number) => one(number));
    const limited = bounded({ told, complete: true, problems: [] }, { most: 3, changes: 100 });
    expect(limited.complete).toBe(false);
    expect(limited.told.map(({ id }) => id)).toEqual([one(9).id, one(8).id, one(7).id]);
    expect(bounded({ told, complete: true, problems: [] }, { most: 10, changes: 10 }).complete).toBe(true);
    expect(
      bounded({ told: [one(1, 50), one(2)], complete: true, problems: [] }, { most: 9, changes: 20 }).told,
    ).toHaveLength(1);
  });
});

describe('when logs are rotated, read again and cut anywhere', () => {
  const version = fc.integer({ min: 1, max: 9 }).map(String);
  const transaction = fc.record({
    seconds: fc.integer({ min: 0, max: 5 }),
    names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }),
    version,
    command: fc.constantFrom('apt-get install x', '/usr/bin/unattended-upgrade'),
    ended: fc.boolean(),
  });
  /** The text of each, a second or more after the one before. */
  const texts = (
    list: readonly { seconds: number; names: string[]; version: string; command: string; ended: boolean }[],
  ) => {
    let at = Temporal.PlainDateTime.from('2026-11-20T00:00:00');

    return list.map(({ seconds, names, version: to, command, ended }) => {
      at = at.add({ seconds: seconds + 1 });
      const date = at.toString().replace('T', '  ');
      const packages = names.map((name) => `${name}:amd64 (${to})`).join(', ');

      return `\nStart-Date: ${date}\nCommandline: ${command}\nInstall: ${packages}\n${ended ? `End-Date: ${date}\n` : ''}`;
    });
  };

  it('the same transaction has the same id, whatever came before it', () => {
    fc.assert(
      fc.property(fc.array(transaction, { minLength: 1, maxLength: 12 }), fc.nat(), (list, cut) => {
        const parts = texts(list);
        const whole = apt(parts.join(''));
        expect(new Set(whole.map(({ id }) => id)).size).toBe(list.length);
        const rest = apt(parts.slice(cut % parts.length).join(''));
        expect(rest.map(({ id }) => id)).toEqual(whole.slice(cut % parts.length).map(({ id }) => id));
      }),
    );
  });

  it('a text that is cut at any byte never throws and never tells of more', () => {
    fc.assert(
      fc.property(fc.nat({ max: REAL_APT.length }), fc.nat({ max: REAL_DPKG.length }), (first, second) => {
        expect(apt(REAL_APT.slice(0, first)).length).toBeLessThanOrEqual(2);
        expect(apt(REAL_APT.slice(first)).length).toBeLessThanOrEqual(2);
        expect(parseDpkgLog(REAL_DPKG.slice(second), ZONE, false).length).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('whatever a log says, what is told fits its schema', () => {
    const junk = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.constantFrom(
          'Start-Date: 2026-11-23  10:00:00',
          'Install: a:amd64 (1), ',
          'Commandline: ',
          'Requested-By: \u0000',
        ),
        fc.constantFrom(
          '2026-11-23 09:00:00 startup archives install',
          '2026-11-23 09:00:00 install a:b <none> \ud800',
        ),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(junk, (lines) => {
        const text = lines.join('\n');
        const told = [
          ...apt(text),
          ...dpkgOnly(parseDpkgLog(text, ZONE, true), []),
          ...parseZyppHistory(text, ZONE),
          ...parsePacmanLog(text),
        ];
        const section = bounded({ told, complete: true, problems: [] }, { most: 400, changes: MAX_TOLD_CHANGES });
        expect(changesSchema.safeParse(section).error).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
