import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { parseDump, readHostOptions, renderAptConfig, writeAptConfig } from './apt-config.ts';

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
});
