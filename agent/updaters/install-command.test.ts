import { describe, expect, it } from 'vitest';
import { kindOfCommand } from './install-command.ts';

describe('when a line of shell text names an updater', () => {
  it.each([
    ['apt-get update && apt-get -y upgrade', 'installs'],
    ['DEBIAN_FRONTEND=noninteractive /usr/bin/apt-get -qq -o Dpkg::Options::=--force-confold dist-upgrade', 'installs'],
    ['test -x /usr/bin/apt-get && nice apt full-upgrade -y >/dev/null 2>&1', 'installs'],
    ['aptitude -y safe-upgrade', 'installs'],
    ['dnf -y update --security', 'installs'],
    ['yum -y upgrade', 'installs'],
    ['zypper --non-interactive patch', 'installs'],
    ['unattended-upgrade -v', 'installs'],
    ['sh -c "apt-get update; apt-get install -y --only-upgrade openssl"', 'installs'],
    ['/usr/sbin/transactional-update up', 'installs'],
    ['if true; then apt-get -y upgrade; fi', 'installs'],
    ['apt-get update', 'tells'],
    ['apt-get -qq -d upgrade', 'tells'],
    ['apt-get -yd upgrade', 'tells'],
    ['apt-get --download-only dist-upgrade', 'tells'],
    ['unattended-upgrade --dry-run', 'tells'],
    ['dnf check-update', 'tells'],
    ['apt list --upgradable | mail root', 'tells'],
    ['zypper refresh', 'tells'],
    ['# apt-get -y upgrade', null],
    ['run-parts --report /etc/cron.daily', null],
    ['echo apt-get upgrade', null],
    ['command -v apt-get >/dev/null', null],
    ['[ -x /usr/bin/apt-get ]', null],
    ['/opt/apt/upgrade', null],
    ['', null],
  ])('%s: %s', (line, kind) => expect(kindOfCommand(line)).toBe(kind));
});
