// What the real dnf writes into its history and the real rpm into its database, and what the section makes of it; histories of dnf 5
// (which no Debian has) and damaged ones are made by hand.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { createRpmObserver } from '../../providers/rpm/observer.ts';
import { testContext } from '../testing/context.ts';
import { collectHistory } from './collect.ts';
import { DNF_FILES } from './dnf-history.ts';
import { dnfLab } from './testing/dnf-lab.ts';

const run = createRun({});
const [DNF4, DNF5] = DNF_FILES;

needs(['dnf', 'createrepo-c', 'rpm', 'rpmbuild', 'unshare'], 'with the real dnf and rpm in a sandbox', () => {
  it('every transaction of dnf is told, and what rpm did beside it', async () => {
    const folder = temporaryFolder('real-dnf');
    chmodSync(folder, 0o755);
    const packages = ['1.0', '2.0'].map((version) => ({ name: 'alpha', version }));
    const lab = await dnfLab(folder, run, [
      ...packages,
      { name: 'beta', version: '1.0' },
      { name: 'gamma', version: '1.0' },
    ]);
    await lab.dnf('install', 'alpha-1.0', 'beta');
    await lab.dnf('upgrade');
    await lab.dnf('remove', 'beta');
    await lab.dnf('downgrade', 'alpha');
    await lab.rpm('--install', '--nodeps', lab.file('gamma', '1.0'));

    const observers = [createRpmObserver('dnf', { root: lab.root, run })];
    const { told, complete, problems } = await collectHistory(testContext({ root: lab.root, observers }));

    expect({ complete, problems }).toEqual({ complete: true, problems: [] });
    const changes = (source: string) =>
      told
        .filter((one) => one.source === source)
        .map((one) => one.changes.map(({ name, from, to }) => `${name} ${from ?? '-'} ${to ?? '-'}`));
    expect(changes('dnf').reverse()).toEqual([
      ['alpha - 1.0-1', 'beta - 1.0-1'],
      ['alpha 1.0-1 2.0-1'],
      ['beta 1.0-1 -'],
      ['alpha 2.0-1 1.0-1'],
    ]);
    expect(changes('rpm')).toEqual([['gamma - 1.0-1']]);
    const installed = told.find(({ command }) => command?.includes('install alpha-1.0'));
    expect(installed).toMatchObject({
      command: expect.stringMatching(/^dnf -y /),
      endedAt: expect.any(String),
      actor: null,
    });
  });
});

function historyFile(path: string, text: string): string {
  const root = temporaryFolder('dnf-history');
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  const database = new DatabaseSync(file);
  database.exec(text);
  database.close();

  return root;
}

/** The tables of libdnf5's create_tables.sql that are read. */
const DNF5_TABLES = `
  create table trans (id integer primary key, dt_begin integer not null, dt_end integer, releasever text not null,
    user_id integer not null, description text, comment text, state_id integer);
  create table pkg_name (id integer primary key, name text not null unique);
  create table arch (id integer primary key, name text not null unique);
  create table item (id integer primary key);
  create table trans_item (id integer primary key, trans_id integer, item_id integer, repo_id integer,
    action_id integer not null, reason_id integer not null, state_id integer not null);
  create table rpm (item_id integer not null unique, name_id integer not null, epoch integer not null,
    version text not null, release text not null, arch_id integer not null);`;
const DNF4_TABLES = `
  create table trans (id integer primary key, dt_begin integer not null, dt_end integer, releasever text, user_id integer not null,
    cmdline text, state integer not null);
  create table trans_item (id integer primary key, trans_id integer, item_id integer, repo_id integer, action integer not null,
    reason integer not null, state integer not null);
  create table rpm (item_id integer unique not null, name text not null, epoch integer not null, version text not null,
    release text not null, arch text not null);`;

describe('when a host has the history of dnf 5', () => {
  it('users, versions and failures are told', async () => {
    const root = historyFile(
      DNF5?.path ?? '',
      `${DNF5_TABLES}
      insert into pkg_name values (1, 'openssl'), (2, 'jq');
      insert into arch values (1, 'x86_64');
      insert into rpm values (1, 1, 1, '3.0.1', '1.fc41', 1), (2, 1, 1, '3.0.2', '1.fc41', 1), (3, 2, 0, '1.7', '2', 1);
      insert into trans values (1, 1795000000, 1795000009, '41', 1000, 'dnf5 upgrade', '', 2),
        (2, 1795000100, null, '41', 4294967295, 'dnf5 install jq', '', 3);
      insert into trans_item values (1, 1, 1, 1, 6, 1, 2), (2, 1, 2, 1, 2, 1, 2), (3, 2, 3, 1, 1, 1, 2), (4, 2, 2, 1, 7, 1, 2),
        (5, 2, 1, 1, 1, 1, 3);`,
    );
    mkdirSync(join(root, 'etc'));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n');
    const { told } = await collectHistory(testContext({ root }));

    expect(told).toMatchObject([
      {
        ...{
          source: 'dnf',
          actor: null,
          endedAt: null,
          command: 'dnf5 install jq',
          problem: 'dnf ended it with an error',
        },
        changes: [{ name: 'jq', arch: 'x86_64', from: null, to: '1.7-2' }],
      },
      {
        ...{ actor: 'anna (1000)', endedAt: '2026-11-18T11:06:49Z', problem: null },
        changes: [{ name: 'openssl', arch: 'x86_64', from: '1:3.0.1-1.fc41', to: '1:3.0.2-1.fc41' }],
      },
    ]);
  });
});

describe('when a history of dnf is not what it should be', () => {
  it.each([
    ['of another shape', 'create table trans (id integer primary key);'],
    ['empty of tables', 'create table config (key text);'],
  ])('one %s is said, and the other logs stand', async (_, text) => {
    const root = historyFile(DNF4?.path ?? '', text);
    mkdirSync(join(root, 'var/log/apt'), { recursive: true });
    writeFileSync(join(root, 'var/log/apt/history.log'), 'Start-Date: 2026-11-23  10:00:00\nInstall: a:amd64 (1)\n');
    expect(await collectHistory(testContext({ root }))).toMatchObject({
      complete: false,
      problems: [{ log: join(root, DNF4?.path ?? ''), code: 'FILE_UNREADABLE' }],
      told: [{ source: 'apt' }],
    });
  });

  it('bytes that are no database are said', async () => {
    const root = temporaryFolder('no-database');
    mkdirSync(join(root, 'var/lib/dnf'), { recursive: true });
    writeFileSync(join(root, 'var/lib/dnf/history.sqlite'), 'x'.repeat(5000));
    expect(await collectHistory(testContext({ root }))).toMatchObject({
      problems: [{ code: 'FILE_UNREADABLE' }],
      told: [],
    });
  });

  it('numbers, types and text of somebody else tell nothing that does not fit', async () => {
    const root = historyFile(
      DNF4?.path ?? '',
      `${DNF4_TABLES}
      insert into rpm values (1, 'a', 0, '1', '1', 'noarch'), (2, x'ff00', 0, '1', '1', 'noarch'), (3, 'b' || char(27), 0, '1', '1', 'n');
      insert into trans values (1, 9e18, 1, '', 0, 'x', 1), (2, -5, 1, '', 0, 'x', 1), (3, 1795000000, 9e18, '', -7, x'00', 1);
      insert into trans_item values (1, 1, 1, 1, 1, 1, 1), (2, 2, 1, 1, 1, 1, 1), (3, 3, 2, 1, 1, 1, 1), (4, 3, 3, 1, 1, 1, 1);`,
    );
    expect((await collectHistory(testContext({ root }))).told).toMatchObject([
      { actor: null, command: null, endedAt: null, changes: [{ name: 'b?' }] },
    ]);
  });
});
