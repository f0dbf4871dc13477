import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { parseDump, readHostOptions, renderAptConfig, underConfig, writeAptConfig } from './apt-config.ts';

const run = createRun({});
const folder = temporaryFolder('apt-config');

describe('when a configuration is rendered', () => {
  it('cuts the host off and names its own folders', () => {
    const text = renderAptConfig({ root: '/', lists: '/s/lists', cache: '/s/cache', host: [] });

    expect(text).toContain('Dir::Etc::parts "/dev/null";');
    expect(text).toContain('Dir::Etc::main "/dev/null";');
    expect(text).toContain('Dir::State::Lists "/s/lists/";');
    expect(text).toContain('Dir::State::status "/var/lib/dpkg/status";');
  });

  it('refuses a value that could end its string', () => {
    const host = [{ name: 'Acquire::http::Proxy', value: 'x"; DPkg::Pre-Invoke {"id"}; //' }];

    expect(() => renderAptConfig({ root: '/', lists: '/l', cache: '/c', host })).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID' }),
    );
  });

  it('is written for the eyes of its user only', async () => {
    const path = join(folder, 'apt.conf');
    await writeAptConfig(path, { root: '/', lists: '/l', cache: '/c', host: [] }, null);

    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe('when the output of apt-config is read', () => {
  it('refuses a line it does not understand', () => {
    expect(() => parseDump('Acquire::http "x\n')).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });
});

needs(['apt-get'], 'when a host has hooks, a proxy and index targets of its own', () => {
  const root = join(folder, 'root');
  mkdirSync(join(root, 'etc/apt/apt.conf.d'), { recursive: true });
  writeFileSync(
    join(root, 'etc/apt/apt.conf.d/50host'),
    `Acquire::http::Proxy "http://proxy.example.org:3128";
APT::Default-Release "stable";
APT::Update::Post-Invoke { "touch ${folder}/hook"; };
APT::Update::Pre-Invoke { "touch ${folder}/hook"; };
DPkg::Pre-Invoke { "touch ${folder}/hook"; };
Acquire::IndexTargets { deb::DEP-11 { MetaKey "x"; }; };
Dir::Etc::preferences "other-preferences";
`,
  );

  it('keeps the proxy and the pins, and leaves hooks and targets behind', async () => {
    const options = await readHostOptions(run, root, join(folder, 'scratch.conf'));
    const names = options.map((option) => option.name);

    expect(options).toContainEqual({ name: 'Acquire::http::Proxy', value: 'http://proxy.example.org:3128' });
    expect(options).toContainEqual({ name: 'APT::Default-Release', value: 'stable' });
    expect(options).toContainEqual({ name: 'Dir::Etc::preferences', value: 'other-preferences' });
    expect(names.filter((name) => /invoke|indextargets|etc::parts|etc::main/i.test(name))).toEqual([]);
  });

  it('gives an apt that sees neither hooks nor other settings', async () => {
    const path = join(folder, 'cut-off.conf');
    const host = await readHostOptions(run, root, join(folder, 'scratch.conf'));
    await writeAptConfig(path, { root, lists: join(folder, 'lists'), cache: join(folder, 'cache'), host }, null);
    const { stdout } = await run({ file: 'apt-config', args: ['dump'], env: { APT_CONFIG: path }, deadlineMs: 5000 });

    expect(stdout).not.toContain('touch');
    expect(stdout).not.toContain('DEP-11');
    expect(stdout).toContain('Acquire::http::Proxy "http://proxy.example.org:3128";');
    expect(readFileSync(path, 'utf8')).toContain(`Dir "${root}/";`);
  });

  const lists = [
    { name: 'DPkg::Options::', value: '--force-confold' },
    { name: 'DPkg::Options::', value: '--force-unsafe-io' },
    { name: 'DPkg::Pre-Invoke::', value: 'true' },
  ];

  it('says everything once, though apt reads it twice', async () => {
    const path = join(folder, 'twice.conf');
    const host = await readHostOptions(run, root, join(folder, 'scratch.conf'));
    const config = { root, lists: '/l', cache: '/c', host, options: lists };
    await writeAptConfig(path, config, null);
    const dump = async (args: readonly string[], env: Readonly<Record<string, string>>) => {
      const { stdout } = await run({ file: 'apt-config', args, env, deadlineMs: 5000 });

      return stdout.split('\n').filter((line) => !line.startsWith('CommandLine::'));
    };
    const { args, env } = underConfig(path, ['dump']);

    expect(await dump(args, env)).toEqual(await dump(['dump'], env));
    expect((await dump(args, env)).filter((line) => line.startsWith('DPkg::Options:: '))).toHaveLength(2);
  });

  it.each([
    ['apt-get', ['update', '-q']],
    ['apt-get', ['-s', '-q', 'install', '--', 'dpkg']],
    ['apt-get', ['indextargets', '--format', 'x']],
    ['apt-cache', ['policy', '--', 'dpkg']],
    ['apt-cache', ['show', '--', 'dpkg']],
    ['apt-config', ['dump']],
    ['apt', ['list', '--upgradable']],
    ['/usr/lib/apt/apt-helper', ['cat-file', '/etc/hostname']],
    ['/usr/lib/apt/apt-helper', ['download-file', 'copy:/etc/hostname', '/dev/null', 'SHA256:00']],
  ])('without it %s %j does not start: it would go on with what the host says', async (file, args) => {
    const gone = join(folder, 'nobody-wrote-it.conf');
    const { exitCode, stdout, stderr } = await run({ file, ...underConfig(gone, args), deadlineMs: 30_000 });

    expect([exitCode, stdout]).toEqual([100, '']);
    expect(stderr).toContain(gone);
  });

  it.runIf(process.getuid?.() === 0)('nor where the user that apt runs as may not read it', async () => {
    const place = temporaryFolder('apt-unreadable');
    chmodSync(place, 0o755);
    const path = join(place, 'apt.conf');
    await writeAptConfig(path, { root, lists: '/l', cache: '/c', host: [] }, null);
    const nobody = { uid: 65534, gid: 65534 };
    const asked = () => run({ file: 'apt-config', ...underConfig(path, ['dump']), deadlineMs: 5000, ...nobody });

    expect(await asked()).toMatchObject({ exitCode: 100, stdout: '' });
    await writeAptConfig(path, { root, lists: '/l', cache: '/c', host: [] }, nobody);
    expect(await asked()).toMatchObject({ exitCode: 0 });
  });
});
