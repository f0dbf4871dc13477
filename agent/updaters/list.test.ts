// Every updater as its package lays it down, reduced to what says whether it is on; systemd as it answers, and files alone.

import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { updaterHost } from './host.ts';
import { lookForUpdaters } from './list.ts';
import { inTheWay } from './takeover/plan.ts';
import { fakeUnit } from './testing/fake-units.ts';
import { hostLab, UNATTENDED } from './testing/host.ts';
import type { UpdaterFacts } from './updater.ts';

const idle = () => fakeUnit({ enabled: false, isStatic: true, active: 'inactive' });
const timer = (name: string) => ({ [`${name}.timer`]: fakeUnit(), [`${name}.service`]: idle() });
const short = ({ name, kind, installs, enabled }: UpdaterFacts) => [name, kind, installs, enabled];
const look = async (...lab: Parameters<typeof hostLab>) => lookForUpdaters(hostLab(...lab).host());
const conf = (text: string) => ({ 'etc/apt/apt.conf.d/20auto-upgrades': text });

describe('when a host has other updaters', () => {
  const off = 'APT::Periodic::Unattended-Upgrade "0";\n';
  const on = 'APT::Periodic::Unattended-Upgrade "1";\n';

  it.each<[string, Record<string, string>, ReturnType<typeof timer>, readonly unknown[]]>([
    [
      'unattended-upgrades by its timer',
      UNATTENDED,
      timer('apt-daily-upgrade'),
      [['unattended-upgrades', 'timer', true, true]],
    ],
    [
      'its option off',
      { ...UNATTENDED, ...conf(off) },
      timer('apt-daily-upgrade'),
      [['unattended-upgrades', 'timer', true, false]],
    ],
    [
      'a later file that switches it off',
      { ...UNATTENDED, 'etc/apt/apt.conf.d/99local': off },
      timer('apt-daily-upgrade'),
      [['unattended-upgrades', 'timer', true, false]],
    ],
    [
      'a file that apt does not read',
      { ...UNATTENDED, 'etc/apt/apt.conf.d/99local.dpkg-old': off },
      timer('apt-daily-upgrade'),
      [['unattended-upgrades', 'timer', true, true]],
    ],
    [
      'all of apt’s periodic work off',
      { ...UNATTENDED, 'etc/apt/apt.conf': 'APT { Periodic { Enable "0"; }; };' },
      timer('apt-daily-upgrade'),
      [['unattended-upgrades', 'timer', true, false]],
    ],
    [
      'its timer stopped, and back at the next boot',
      UNATTENDED,
      { ...timer('apt-daily-upgrade'), 'apt-daily-upgrade.timer': fakeUnit({ active: 'inactive' }) },
      [['unattended-upgrades', 'timer', true, true]],
    ],
    [
      'its timer disabled and stopped',
      UNATTENDED,
      { ...timer('apt-daily-upgrade'), 'apt-daily-upgrade.timer': fakeUnit({ enabled: false, active: 'inactive' }) },
      [['unattended-upgrades', 'timer', true, false]],
    ],
    [
      'its service masked alone',
      UNATTENDED,
      { ...timer('apt-daily-upgrade'), 'apt-daily-upgrade.service': { ...idle(), mask: 'persistent' } },
      [['unattended-upgrades', 'timer', true, false]],
    ],
    [
      'apt’s list timer',
      { ...conf('APT::Periodic::Update-Package-Lists "1";') },
      timer('apt-daily'),
      [['apt-daily', 'timer', false, true]],
    ],
    [
      'apt’s list timer with nothing to do',
      { ...conf(on) },
      timer('apt-daily'),
      [['apt-daily', 'timer', false, false]],
    ],
    [
      'dnf-automatic that installs',
      { 'etc/dnf/automatic.conf': '[commands]\napply_updates = yes\n' },
      timer('dnf-automatic'),
      [['dnf-automatic', 'timer', true, true]],
    ],
    [
      'dnf-automatic that only tells',
      { 'etc/dnf/automatic.conf': '[commands]\n#apply_updates = yes\napply_updates=no\n' },
      timer('dnf-automatic'),
      [['dnf-automatic', 'timer', false, true]],
    ],
    [
      'dnf-automatic whose file says it twice',
      { 'etc/dnf/automatic.conf': '[commands]\napply_updates = no\napply_updates = yes\n' },
      timer('dnf-automatic'),
      [['dnf-automatic', 'timer', true, true]],
    ],
    [
      'dnf-automatic-install whatever its file says',
      { 'etc/dnf/automatic.conf': 'apply_updates = no\n' },
      timer('dnf-automatic-install'),
      [['dnf-automatic-install', 'timer', true, true]],
    ],
    [
      'dnf-automatic-notifyonly',
      { 'etc/dnf/automatic.conf': 'apply_updates = yes\n' },
      timer('dnf-automatic-notifyonly'),
      [['dnf-automatic-notifyonly', 'timer', false, true]],
    ],
    [
      'dnf 5',
      { 'usr/share/dnf5/dnf5-plugins/automatic.conf': 'apply_updates = yes\n' },
      timer('dnf5-automatic'),
      [['dnf5-automatic', 'timer', true, true]],
    ],
    [
      'GNOME Software',
      { 'usr/bin/gnome-software': '' },
      { 'packagekit-offline-update.service': idle() },
      [['packagekit', 'boot', true, true]],
    ],
    [
      'PackageKit that nobody drives',
      {},
      { 'packagekit-offline-update.service': idle() },
      [['packagekit', 'boot', true, false]],
    ],
    [
      'PackageKit with an update prepared',
      { 'var/lib/PackageKit/prepared-update': '' },
      { 'packagekit-offline-update.service': idle() },
      [['packagekit', 'boot', true, true]],
    ],
    ['SUSE in the background', {}, timer('packagekit-background'), [['packagekit-background', 'timer', true, true]]],
    ['snapd', { 'usr/bin/snap': '' }, { 'snapd.service': fakeUnit() }, [['snapd', 'service', true, true]]],
    [
      'Landscape',
      { 'usr/bin/landscape-client': '', 'etc/landscape/client.conf': '[client]\ncomputer_title = x\n' },
      { 'landscape-client.service': fakeUnit() },
      [['landscape-client', 'service', true, true]],
    ],
    [
      'Landscape that is not registered',
      { 'usr/bin/landscape-client': '' },
      { 'landscape-client.service': fakeUnit() },
      [['landscape-client', 'service', true, false]],
    ],
    ['transactional updates', {}, timer('transactional-update'), [['transactional-update', 'timer', true, true]]],
    ['YaST', { 'etc/cron.daily/opensuse.org-online_update': '' }, {}, [['yast2-online-update', 'cron', true, true]]],
    ['fwupd', {}, timer('fwupd-refresh'), [['fwupd', 'timer', false, true]]],
    [
      'apticron',
      { 'etc/cron.d/apticron': '12 * * * * root apticron --cron\n' },
      {},
      [['apticron', 'cron', false, true]],
    ],
    [
      'cron-apt',
      {
        'etc/cron.d/cron-apt': '0 4 * * * root cron-apt\n',
        'etc/cron-apt/action.d/3-download': 'dist-upgrade -d -y\n',
      },
      {},
      [['cron-apt', 'cron', false, true]],
    ],
    [
      'cron-apt that was taught to install',
      { 'etc/cron.d/cron-apt': '0 4 * * * root cron-apt\n', 'etc/cron-apt/action.d/5-install': 'dist-upgrade -y\n' },
      {},
      [['cron-apt', 'cron', true, true]],
    ],
    ['nothing', {}, {}, []],
  ])('sees %s', async (_, files, units, wanted) => {
    expect((await look(files, units)).map(short)).toEqual(wanted);
  });

  it('lines of cron with their next run, and what a person must do', async () => {
    const lab = hostLab(
      {
        'etc/crontab':
          '17 * * * * root cd / && run-parts --report /etc/cron.hourly\n25 6 * * * root run-parts --report /etc/cron.daily\n',
        'etc/cron.d/patch':
          '# m h\nCRON_TZ=Asia/Kolkata\n0 6 * * * root apt-get -qq update\n30 4 * * sun root apt-get -y dist-upgrade\n',
        'etc/cron.d/patch.dpkg-old': '30 4 * * sun root apt-get -y dist-upgrade\n',
        'etc/cron.daily/upgrade': '#!/bin/sh\nset -e\napt-get \\\n  -y upgrade\n',
        'etc/cron.daily/apt-compat': 'exec /usr/lib/apt/apt.systemd.daily\n',
        'etc/cron.weekly/look': 'dnf check-update\n',
        'etc/cron.daily/switched-off': 'apt-get -y upgrade\n',
        'var/spool/cron/crontabs/root': '@reboot yum -y update\n',
      },
      {},
    );
    // run-parts starts what may be executed, and nothing else.
    for (const name of ['daily/upgrade', 'weekly/look']) chmodSync(join(lab.root, `etc/cron.${name}`), 0o755);
    const found = await lookForUpdaters(lab.host());

    expect(found.map((row) => [row.name, row.installs, row.nextRun?.toString() ?? null])).toEqual([
      ['cron: etc/cron.d/patch:3', false, '2026-11-24T00:30:00Z'],
      ['cron: etc/cron.d/patch:4', true, '2026-11-28T23:00:00Z'],
      ['cron: var/spool/cron/crontabs/root:1', true, null],
      ['cron: etc/cron.daily/upgrade', true, '2026-11-24T06:25:00Z'],
      ['cron: etc/cron.weekly/look', false, null],
    ]);
    expect(found[2]?.detail).toBe('yum -y update; it runs when the host starts');
    expect(found[4]?.detail).toContain('does not say when etc/cron.weekly runs');
    expect(inTheWay(found).flatMap(({ stops }) => stops)).toHaveLength(3);
  });

  it('timers of one’s own whose service calls a package manager', async () => {
    const unit = (command: string) => `[Service]\nType=oneshot\n${command}\n`;
    const files = {
      'etc/systemd/system/patch.timer': '[Timer]\nOnCalendar=daily\n',
      'etc/systemd/system/patch.service': unit(
        'ExecStart=-/bin/sh -c "apt-get update && \\\n apt-get -y dist-upgrade"',
      ),
      'usr/local/lib/systemd/system/nightly.timer': '[Timer]\nOnCalendar=daily\nUnit=updates.service\n',
      'usr/local/lib/systemd/system/updates.service': unit('ExecStartPre=/bin/true\nExecStart=/usr/bin/dnf -y upgrade'),
      'etc/systemd/system/lists.timer': '[Timer]\nOnCalendar=hourly\n',
      'etc/systemd/system/lists.service': unit('ExecStart=/usr/bin/apt-get -qq update'),
      'etc/systemd/system/backup.timer': '[Timer]\nOnCalendar=daily\n',
      'etc/systemd/system/backup.service': unit('ExecStart=/usr/local/bin/backup /var/lib/dpkg'),
      'etc/systemd/system/gone.timer': '→ /dev/null',
      // Copied to be edited: what it starts is known already.
      'etc/systemd/system/apt-daily-upgrade.timer': '[Timer]\nOnCalendar=daily\n',
      'usr/lib/systemd/system/apt-daily-upgrade.service': unit('ExecStart=/usr/lib/apt/apt.systemd.daily install'),
    };
    const own = fakeUnit({ own: true });
    const found = await look(files, {
      ...{ 'patch.timer': own, 'patch.service': { ...idle(), own: true }, 'nightly.timer': fakeUnit() },
      ...{ 'updates.service': idle(), 'lists.timer': own, 'lists.service': idle() },
      ...timer('apt-daily-upgrade'),
    });

    expect(found.map(short)).toEqual([
      ['timer: lists.timer', 'timer', false, true],
      ['timer: patch.timer', 'timer', true, true],
      ['timer: nightly.timer', 'timer', true, true],
    ]);
    expect(inTheWay(found).map(({ stops }) => stops.map(({ by }) => by))).toEqual([['person'], ['mask', 'mask']]);
    // To stop the service could cut an installation off.
    expect(JSON.stringify(found.map(({ stops }) => stops))).not.toContain('--now patch.service');
  });

  it('a table of a user is in the way only where that user may become root', async () => {
    const found = await look(
      {
        'etc/group': 'root:x:0:\nadmins:x:990:eve,first.last\nusers:x:100:mallory\n',
        'etc/sudoers': 'root ALL=(ALL:ALL) ALL\n%admins ALL=(ALL) NOPASSWD: ALL\n',
        'etc/sudoers.d/README': '# nothing\n',
        'etc/sudoers.d/patch': 'bob ALL=(root) NOPASSWD: /usr/bin/apt-get\n',
        'var/spool/cron/crontabs/bob': '0 4 * * * sudo -n apt-get -y upgrade\n',
        'var/spool/cron/crontabs/eve': '0 4 * * * apt-get -y upgrade\n',
        'var/spool/cron/crontabs/first.last': '0 4 * * * cd / && /usr/bin/sudo apt-get -y upgrade\n',
        'var/spool/cron/crontabs/first.last~': '0 4 * * * sudo apt-get -y upgrade\n',
        'var/spool/cron/crontabs/mallory': '* * * * * sudo apt-get -y dist-upgrade\n',
      },
      {},
    );

    expect(found.map(({ name }) => name)).toHaveLength(4);
    expect(inTheWay(found).map(({ name }) => name)).toEqual([
      'cron: var/spool/cron/crontabs/bob:1',
      'cron: var/spool/cron/crontabs/first.last:1',
    ]);
  });

  it('held snaps are in nobody’s way', async () => {
    const lab = hostLab({ 'usr/bin/snap': '' }, { 'snapd.service': fakeUnit() });
    const stateOf = async () => (await lookForUpdaters(lab.host())).map(({ enabled }) => enabled);

    expect(await stateOf()).toEqual([true]);
    lab.snapHold = 'forever';
    expect(await stateOf()).toEqual([false]);
    lab.snapHold = '2026-11-22T00:00:00Z';
    expect(await stateOf()).toEqual([true]);
  });

  it('a file that is not understood is an error, never a shorter list', async () => {
    await expect(
      look({ ...UNATTENDED, ...conf('APT::Periodic "1') }, timer('apt-daily-upgrade')),
    ).rejects.toMatchObject({ code: 'PARSE' });
  });

  it('below another root files alone say what its boot would do', async () => {
    const lab = hostLab(
      {
        ...UNATTENDED,
        'usr/lib/systemd/system/apt-daily-upgrade.timer': '[Timer]\n[Install]\nWantedBy=timers.target\n',
        'usr/lib/systemd/system/apt-daily-upgrade.service': '[Service]\n',
        'etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer': '',
        'usr/lib/systemd/system/apt-daily.timer': '[Install]\n',
        'usr/lib/systemd/system/apt-daily.service': '[Service]\n',
        'usr/lib/systemd/system/fwupd-refresh.timer': '[Install]\n',
        'usr/lib/systemd/system/fwupd-refresh.service': '',
        'etc/systemd/system/fwupd-refresh.timer': '→ /dev/null',
      },
      {},
    );
    const host = updaterHost({
      root: lab.root,
      zone: 'UTC',
      run: createRun({}),
      clock: fakeClock('2026-11-23T12:00:00Z'),
    });

    expect((await lookForUpdaters(host)).map((row) => [...short(row), row.units.map(({ state }) => state)])).toEqual([
      ['unattended-upgrades', 'timer', true, true, ['enabled', 'static']],
      ['apt-daily', 'timer', false, false, ['disabled', 'static']],
      ['fwupd', 'timer', false, false, ['masked', 'masked']],
    ]);
  });
});
