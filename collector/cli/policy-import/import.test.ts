// What other updaters were told, as their packages ship it (reduced to what they say), becomes documents that can be pushed; nothing is
// dropped without a word.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { importPolicy } from './import.ts';
import { globOf } from './python-pattern.ts';

const now = Temporal.Instant.from('2026-11-23T12:00:00Z');
const imported = (...texts: readonly string[]) =>
  importPolicy(
    texts.map((text, index) => ({ name: `file-${index + 1}`, text })),
    { name: 'web', now },
  );
const untold = (result: ReturnType<typeof imported>) =>
  result.notes
    .filter(({ outcome }) => outcome !== 'translated')
    .map(({ line, option, outcome }) => [line, option, outcome]);

/** Debian 12. */
const DEBIAN = `// Unattended-Upgrade::Origins-Pattern controls which packages are
Unattended-Upgrade::Origins-Pattern {
//      "origin=Debian,codename=\${distro_codename}-updates";
        "origin=Debian,codename=\${distro_codename},label=Debian";
        "origin=Debian,codename=\${distro_codename},label=Debian-Security";
        "origin=Debian,codename=\${distro_codename}-security,label=Debian-Security";
//      "o=Debian,a=stable";
};
Unattended-Upgrade::Package-Blacklist {
    // "linux-";
    "libc6$";
    "libstdc\\+\\+6$";
    "xen(-system|-utils)?";
};
//Unattended-Upgrade::AutoFixInterruptedDpkg "true";
Unattended-Upgrade::Mail "root";
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-Time "02:00";
Unattended-Upgrade::OnlyOnACPower "true";
Unattended-Upgrade::MinimalSteps "true";
Unattended-Upgrade::Frobnicate "yes";
`;
/** Ubuntu 24.04. */
const UBUNTU = `Unattended-Upgrade::Allowed-Origins {
        "\${distro_id}:\${distro_codename}";
        "\${distro_id}:\${distro_codename}-security";
        "\${distro_id}ESMApps:\${distro_codename}-apps-security";
        "\${distro_id}ESM:\${distro_codename}-infra-security";
        "\${distro_id}:\${distro_codename}-updates";
        "\${distro_id}:\${distro_codename}-proposed";
        "LP-PPA-somebody:\${distro_codename}";
};
Unattended-Upgrade::Update-Days {"Mon";"3"};
Unattended-Upgrade::DevRelease "auto";
`;
const AUTO = 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n';
/** dnf 4.14. */
const DNF = `[commands]
#  What kind of upgrade to perform:
upgrade_type = security
random_sleep = 0
network_online_timeout = 60
download_updates = yes
apply_updates = yes
reboot = when-needed

[emitters]
emit_via = stdio, email

[email]
email_from = root@example.com

[base]
debuglevel = 1
excludepkgs = kernel*, glibc
  weird[name
`;

describe('when the files of unattended-upgrades are imported', () => {
  it('Debian: origins, holds and the rest by name, line and reason', () => {
    const result = imported(DEBIAN, AUTO);
    const [window, policy] = result.documents;

    expect(window).toMatchObject({ kind: 'Window', name: 'web', start: '06:00', for: '2h', timezone: 'host' });
    expect(window).toMatchObject({ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] });
    expect(policy).toMatchObject({
      kind: 'PatchPolicy',
      allow: { from: ['security', 'point-release'] },
      hold: [
        { package: 'libc6', until: '2027-02-21', owner: 'to be filled in' },
        { package: 'libstdc++6', until: '2027-02-21' },
      ],
      fallback: { after: '14d', action: 'release' },
    });
    expect(untold(result)).toEqual([
      [11, 'Unattended-Upgrade::Package-Blacklist', 'for you'],
      [12, 'Unattended-Upgrade::Package-Blacklist', 'for you'],
      [13, 'Unattended-Upgrade::Package-Blacklist', 'not translated'],
      [16, 'Unattended-Upgrade::Mail', 'not translated'],
      [17, 'Unattended-Upgrade::Automatic-Reboot', 'not translated'],
      [18, 'Unattended-Upgrade::Automatic-Reboot-Time', 'not translated'],
      [19, 'Unattended-Upgrade::OnlyOnACPower', 'not translated'],
      [20, 'Unattended-Upgrade::MinimalSteps', 'not translated'],
      [21, 'Unattended-Upgrade::Frobnicate', 'not translated'],
      [1, 'APT::Periodic::Update-Package-Lists', 'not translated'],
    ]);
    expect(result.notes.find(({ option }) => option.endsWith('Frobnicate'))?.why).toBe('this option is not known here');
    expect(result.notes.every(({ why }) => why.length > 5)).toBe(true);
  });

  it('Ubuntu: pockets, days, and what comes from elsewhere is not let in', () => {
    const result = imported(UBUNTU, AUTO);

    expect(result.documents[1]).toMatchObject({ allow: { from: ['security', 'updates', 'point-release'] } });
    expect(result.documents[0]).toMatchObject({ days: ['mon', 'wed'] });
    expect(untold(result).map(([line]) => line)).toEqual([7, 8, 11, 1]);
  });

  it('lets in no more than was let in there', () => {
    const from = (...origins: readonly string[]) =>
      imported(`Unattended-Upgrade::Origins-Pattern { ${origins.map((one) => `"${one}";`).join(' ')} };`).notes.map(
        ({ outcome, why }) => (outcome === 'translated' ? why : outcome),
      );

    expect(from('origin=*', 'site=*', 'origin=Debian', 'o=Debian,a=*', 'o=Debian,n=sid', 'o=Debian,a=stable*')).toEqual(
      Array.from({ length: 6 }, () => 'not translated'),
    );
    expect(from('o=Debian,a=experimental', 'o=Docker,a=bookworm-security', 'o=Debian,a=stable')).toEqual([
      ...['not translated', 'not translated', 'allow.from point-release'],
    ]);
    const cleared = imported(`${DEBIAN}#clear Unattended-Upgrade::Origins-Pattern;\n`);
    expect(cleared.notes.at(-1)).toMatchObject({ outcome: 'for you', why: expect.stringContaining('forgets') });
  });

  it.each([
    ['7', { recurrence: 'FREQ=DAILY;INTERVAL=7', from: '2026-11-23' }],
    ['always', { days: expect.any(Array) }],
  ])('every %s days', (every, window) => {
    expect(imported(`APT::Periodic::Unattended-Upgrade "${every}";`).documents[0]).toMatchObject(window);
  });

  it('says that it was switched off there, and lets in security only where no origin is named', () => {
    const result = imported('APT::Periodic::Unattended-Upgrade "0";');

    expect(untold(result)).toEqual([[1, 'APT::Periodic::Unattended-Upgrade', 'for you']]);
    expect(result.documents[1]).toMatchObject({ allow: { from: ['security'] } });
    expect(result.assumed.join()).toContain('security only');
  });

  it('takes the times of a timer that was overridden', () => {
    const result = imported(AUTO, '[Timer]\nOnCalendar=\nOnCalendar=Mon..Fri 02:30\nRandomizedDelaySec=90m\n');
    expect(result.documents[0]).toMatchObject({ days: ['mon', 'tue', 'wed', 'thu', 'fri'], start: '02:30', for: '3h' });

    const odd = imported(AUTO, '[Timer]\nOnCalendar=*-*-01 04:00:00\nOnBootSec=5min\n');
    expect(untold(odd).slice(1)).toEqual([
      [2, '[Timer] OnCalendar', 'not translated'],
      [3, '[Timer] OnBootSec', 'not translated'],
    ]);
  });
});

describe('when automatic.conf is imported', () => {
  it('takes the kind of upgrade and the excludes, and names every other key', () => {
    const result = imported(DNF);

    expect(result.documents[1]).toMatchObject({
      allow: { from: ['security'] },
      hold: [{ package: 'kernel*' }, { package: 'glibc' }],
    });
    expect(untold(result)).toEqual([
      [4, '[commands] random_sleep', 'not translated'],
      [5, '[commands] network_online_timeout', 'not translated'],
      [6, '[commands] download_updates', 'not translated'],
      [8, '[commands] reboot', 'not translated'],
      [11, '[emitters] emit_via', 'not translated'],
      [14, '[email] email_from', 'not translated'],
      [17, '[base] debuglevel', 'not translated'],
      [18, '[base] excludepkgs', 'for you'],
      [18, '[base] excludepkgs', 'for you'],
      [18, '[base] excludepkgs', 'not translated'],
    ]);
  });

  it('of a key that is there twice the last one counts', () => {
    const result = imported('[commands]\nupgrade_type = default\nupgrade_type = security\n');
    expect(result.documents[1]).toMatchObject({ allow: { from: ['security'] } });
  });

  it('says that a host which only told did not install', () => {
    const result = imported('[commands]\nupgrade_type = default\napply_updates = no\n');

    expect(untold(result)).toEqual([[3, '[commands] apply_updates', 'for you']]);
    expect(result.documents[1]).toMatchObject({ allow: { from: ['security', 'updates', 'point-release'] } });
  });
});

describe('when a file is broken', () => {
  it.each([
    ['a text that does not end', 'A "1";\n  B "x;\n', 'file-1:2:5'],
    ['a block that does not end', 'A {\n', 'file-1:2:1'],
    ['a section that does not end', '[commands\n', 'file-1:1:1'],
    ['a line that is nothing', '[commands]\n   nonsense\n', 'file-1:2:4'],
    ['nothing in it', '// only a comment\n', 'no setting'],
  ])('%s is an error that says where', (_, text, where) => {
    expect(() => imported(text)).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_INVALID', message: expect.stringContaining(where) }),
    );
  });
});

describe('when a pattern of python becomes a name with *', () => {
  it.each([
    ['linux-', 'linux-*'],
    ['libc6$', 'libc6'],
    ['^vim$', 'vim'],
    ['python3\\.11', 'python3.11*'],
    ['linux-.*', 'linux-*'],
    ['a.b', null],
    ['(a|b)', null],
    ['[ab]c', null],
    ['', null],
    ['$', null],
  ])('%s is %s', (pattern, glob) => expect(globOf(pattern)).toBe(glob));

  it('holds exactly what the pattern holds', () => {
    const piece = fc.constantFrom('a', 'b', '-', '\\.', '\\+', '.*', '1');
    const name = fc.stringMatching(/^[ab1.+-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), fc.boolean(), name, (pieces, ends, candidate) => {
        const pattern = `${pieces.join('')}${ends ? '$' : ''}`;
        const glob = globOf(pattern) ?? '';
        const escaped = glob.split('*').map((part) => part.replaceAll(/[.+]/g, '\\$&'));

        expect(new RegExp(`^${escaped.join('.*')}$`).test(candidate)).toBe(
          new RegExp(`^(?:${pattern})`).test(candidate),
        );
      }),
    );
  });
});

describe('whatever stands in a file', () => {
  it('every setting is told, with its line, and the documents decode', () => {
    const option = fc.constantFrom(
      'Unattended-Upgrade::Package-Blacklist::',
      'Unattended-Upgrade::Origins-Pattern::',
      'Unattended-Upgrade::Allowed-Origins::',
      'Unattended-Upgrade::Update-Days::',
      'Unattended-Upgrade::X',
      'APT::Periodic::Unattended-Upgrade',
    );
    const value = fc.stringMatching(/^[A-Za-z0-9 =:,.*$+^(){}-]{1,16}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(option, value), { minLength: 1, maxLength: 8 }), (settings) => {
        const { notes, documents } = imported(settings.map(([name, text]) => `${name} "${text}";`).join('\n'));

        expect(notes.map(({ line }) => line)).toEqual(settings.map((_, index) => index + 1));
        expect(documents).toHaveLength(2);
      }),
    );
  });
});
