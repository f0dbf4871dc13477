import { describe, expect, it } from 'vitest';
import { parsePolicy, parseUpgradable } from './pending-output.ts';

const PARSE = expect.objectContaining({ code: 'PARSE' });
const LIST = `Listing...
bash/oldstable 5.2.15-2+b13 amd64 [upgradable from: 5.2.15-2+b8]
ca-certificates/oldstable-security,oldstable 20250419~deb12u2 all [upgradable from: 20230311+deb12u1]
`;
const POLICY = `openssh-client:
  Installed: 1:9.2p1-2+deb12u6
  Candidate: 1:9.2p1-2+deb12u10
  Version table:
     1:9.2p1-2+deb12u10 500
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
     1:9.2p1-2+deb12u9 500 (phased 30%)
        500 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
 *** 1:9.2p1-2+deb12u6 100
        100 /var/lib/dpkg/status
libc6:i386:
  Installed: 2.36-9
  Candidate: 2.36-9
  Package pin: 2.36-9
  Version table:
 *** 2.36-9 1001
         -1 http://flat.example/debs ./ Packages
        100 /var/lib/dpkg/status
`;

describe('when the list of upgradable packages is read', () => {
  it('takes every line', () => {
    expect(parseUpgradable(LIST)).toEqual([
      { name: 'bash', arch: 'amd64', installed: '5.2.15-2+b8', candidate: '5.2.15-2+b13' },
      { name: 'ca-certificates', arch: 'all', installed: '20230311+deb12u1', candidate: '20250419~deb12u2' },
    ]);
    expect(parseUpgradable('Listing...\n')).toEqual([]);
  });

  it.each([
    ['nothing at all', ''],
    ['another first line', 'E: odd\n'],
    ['a line it does not understand', `${LIST}half/a line\n`],
    ['a line in another language', LIST.replace('upgradable from', 'aktualisierbar von')],
    ['a cut line', LIST.slice(0, -5)],
  ])('refuses %s', (_, text) => {
    expect(() => parseUpgradable(text)).toThrow(PARSE);
  });
});

describe('when the policy of packages is read', () => {
  it('takes versions from the newest on, with what serves them', () => {
    const ssh = parsePolicy(POLICY).get('openssh-client');

    expect(ssh?.candidate).toBe('1:9.2p1-2+deb12u10');
    expect(ssh?.versions.map(({ version, installed, phased }) => [version, installed, phased])).toEqual([
      ['1:9.2p1-2+deb12u10', false, null],
      ['1:9.2p1-2+deb12u9', false, 30],
      ['1:9.2p1-2+deb12u6', true, null],
    ]);
    expect(ssh?.versions[1]?.origins).toEqual([
      'http://deb.debian.org/debian-security bookworm-security/main amd64 Packages',
    ]);
  });

  it('takes packages of other architectures, pins and negative priorities', () => {
    expect(parsePolicy(POLICY).get('libc6:i386')?.versions[0]?.origins).toEqual([
      'http://flat.example/debs ./ Packages',
      '/var/lib/dpkg/status',
    ]);
  });

  it('refuses a line it does not understand', () => {
    expect(() => parsePolicy(POLICY.replace('  Candidate', '  Kandidat'))).toThrow(PARSE);
    expect(() => parsePolicy('  Installed: 1\n')).toThrow(PARSE);
  });
});
