// `selvage policy import` as a person uses it: what is printed can be read again, and what is written can be pushed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { collectorLab } from '../testing/collector-lab.ts';

const folder = temporaryFolder('policy-import');
const at = (name: string) => join(folder, name);
writeFileSync(
  at('50unattended-upgrades'),
  'Unattended-Upgrade::Allowed-Origins { "Debian:stable-security"; };\nUnattended-Upgrade::Package-Blacklist { "linux-"; };\nUnattended-Upgrade::Mail "root\u009b2J";\n',
);
writeFileSync(at('broken'), 'A "1";\nB "\n');
writeFileSync(at('latin'), Buffer.from('A "\xe4";\n', 'latin1'));

describe('when settings of another updater are imported', () => {
  const lab = collectorLab();

  it('without a collector: prints YAML whose comments say what could not be translated', async () => {
    const { exit, stdout } = await lab.run(['policy', 'import', at('50unattended-upgrades')]);

    expect(exit).toBe(0);
    expect(stdout).toContain('# Not translated:\n# 50unattended-upgrades:3 Unattended-Upgrade::Mail');
    expect(stdout).toContain(
      '# 50unattended-upgrades:2 Unattended-Upgrade::Package-Blacklist "linux-": hold on linux-*',
    );
    expect(stdout).not.toContain('\u009b');
    for (const line of stdout.split('---')[0]?.trim().split('\n') ?? []) expect(line).toMatch(/^#/);
  });

  it('what it writes is pushed as it is', async () => {
    await lab.init();
    const running = await lab.serve();
    const out = at('policy.yaml');
    const { exit, stdout } = await lab.run([
      'policy',
      'import',
      at('50unattended-upgrades'),
      '--name',
      'nights',
      '--out',
      out,
    ]);

    expect(exit).toBe(0);
    expect(stdout).toMatch(
      /^for you: 50un.*\n(.*\n)*not translated: 50unattended-upgrades:3 .* is not sent: .*alarms$/m,
    );
    expect(await lab.run(['policy', 'push', out])).toMatchObject({ exit: 0, stderr: '' });
    expect((await lab.run(['policy', 'get', 'PatchPolicy/nights'])).stdout).toContain('after: 14d');
    expect(await lab.run(['policy', 'import', at('50unattended-upgrades'), '--out', out])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('ALREADY_EXISTS'),
    });
    expect(readFileSync(out, 'utf8')).toContain('name: nights');
    await running.stop();
  });

  it.each([
    ['a broken file', ['broken'], /^error DOCUMENT_INVALID: broken:2:3: /],
    ['a file in another encoding', ['latin'], /^error DOCUMENT_INVALID: .*not UTF-8/],
    ['no file', ['nowhere'], /^error NOT_FOUND: /],
    ['a name that is none', ['50unattended-upgrades', '--name', 'Nights!'], /^error DOCUMENT_INVALID: .*lower-case/],
  ])('%s is refused and nothing is written', async (_, [file = '', ...more], said) => {
    const out = at('never.yaml');
    const { exit, stderr } = await lab.run(['policy', 'import', at(file), ...more, '--out', out]);

    expect(exit).not.toBe(0);
    expect(stderr).toMatch(said);
    expect(existsSync(out)).toBe(false);
  });

  it('the JSON has documents and notes', async () => {
    const { stdout } = await lab.run(['policy', 'import', at('50unattended-upgrades'), '--json']);

    expect(JSON.parse(stdout)).toMatchObject({
      documents: [{ kind: 'Window' }, { kind: 'PatchPolicy' }],
      notes: [
        { line: 1, outcome: 'translated' },
        { line: 2, outcome: 'for you' },
        { line: 3, outcome: 'not translated' },
      ],
      out: null,
    });
  });
});
