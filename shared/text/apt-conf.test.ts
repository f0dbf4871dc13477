import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRun } from '../exec/run.ts';
import { needs } from '../testing/needs.ts';
import { fc } from '../testing/properties.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { parseAptConf } from './apt-conf.ts';

describe('when a file of apt.conf is read', () => {
  it('names each setting with its line, whatever way it is written', () => {
    const text = `// Unattended-Upgrade::Origins-Pattern controls which packages are upgraded.
Unattended-Upgrade::Origins-Pattern {
        // a comment; with { punctuation
        "origin=Debian,codename=\${distro_codename},label=Debian";
        "origin=A%2cB";   # at the end
};
Unattended-Upgrade::Package-Blacklist { "linux-"; "vim" }; /* over
 lines; */ APT::Periodic { Enable "1"; Unattended-Upgrade "1" };
DPkg::Post-Invoke {"rm -f /a/*.deb || true";};
Acquire::Languages:: "none";
#clear DPkg::Post-Invoke;
`;

    expect(parseAptConf(text, 'f').map(({ name, value, item, line }) => [line, name, value, item])).toEqual([
      // biome-ignore lint/suspicious/noTemplateCurlyInString: apt's own substitution
      [4, 'Unattended-Upgrade::Origins-Pattern', 'origin=Debian,codename=${distro_codename},label=Debian', true],
      [5, 'Unattended-Upgrade::Origins-Pattern', 'origin=A,B', true],
      [7, 'Unattended-Upgrade::Package-Blacklist', 'linux-', true],
      [7, 'Unattended-Upgrade::Package-Blacklist', 'vim', true],
      [8, 'APT::Periodic::Enable', '1', false],
      [8, 'APT::Periodic::Unattended-Upgrade', '1', false],
      [9, 'DPkg::Post-Invoke', 'rm -f /a/*.deb || true', true],
      [10, 'Acquire::Languages', 'none', true],
      [11, '#clear', 'DPkg::Post-Invoke', false],
    ]);
  });

  it.each([
    ['a text that does not end', 'A "1";\nB "x;\n', 2, 3],
    ['a block that does not end', 'A {\n "x";\n', 3, 1],
    ['an end without a block', 'A "1";\n  };\n', 2, 3],
    ['a comment that does not end', 'A "1"; /* x\n', 1, 8],
    ['a setting without its ;', 'A "1";\nB "2"\n', 2, 1],
    ['a block without a name', '{ "a"; };', 1, 1],
    ['blocks without end', 'A {'.repeat(40), 1, 99],
  ])('refuses %s with line and column', (_, text, line, column) => {
    expect(() => parseAptConf(text, '50x')).toThrow(
      expect.objectContaining({
        code: 'PARSE',
        message: expect.stringContaining(`50x:${line}`),
        details: { file: '50x', line, column },
      }),
    );
  });
});

needs(['apt-get'], 'against the real apt-config', () => {
  const folder = temporaryFolder('apt-conf');
  const run = createRun({});
  const dump = async (text: string): Promise<readonly string[]> => {
    const file = join(folder, 'apt.conf');
    writeFileSync(file, `Dir::Etc::parts "/nowhere";\nDir::Etc::main "/nowhere";\n${text}`);
    const { stdout } = await run({
      file: 'apt-config',
      args: ['dump'],
      env: { APT_CONFIG: file },
      deadlineMs: 60_000,
      check: true,
    });

    return stdout.split('\n').filter((line) => /^lab/i.test(line));
  };
  const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,6}$/);
  const value = fc
    .stringMatching(/^[A-Za-z0-9 =:,./*|${}_;#-]{1,20}$/)
    .filter((text) => text.trim() === text && !text.includes('//'));
  const white = fc.constantFrom(' ', '\n', '\n\t', ' /* x; } */ ', ' // y; {\n', '\n# z "\n');
  const statement = fc.letrec<{ node: { readonly text: string } }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      fc.tuple(word, value, white).map(([name, text, gap]) => ({ text: `${name}${gap}"${text}";` })),
      fc.tuple(word, fc.array(value, { maxLength: 3 }), white).map(([name, texts, gap]) => ({
        text: `${name}${gap}{${gap}${texts.map((text) => `"${text}";${gap}`).join('')}};`,
      })),
      fc.tuple(word, word, value).map(([a, b, text]) => ({ text: `${a}::${b} "${text}";` })),
      fc.tuple(word, value).map(([name, text]) => ({ text: `${name}:: "${text}";` })),
      fc.tuple(word, fc.array(tie('node'), { minLength: 1, maxLength: 3 }), white).map(([name, nodes, gap]) => ({
        text: `${name} {${gap}${nodes.map(({ text }) => text).join(gap)}${gap}};`,
      })),
    ),
  })).node;

  it('understands what it understands, and the same by it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(statement, { minLength: 1, maxLength: 5 }), async (statements) => {
        const text = `Lab {\n${statements.map((one) => one.text).join('\n')}\n};\n`;
        const theirs = await dump(text);
        const ours = parseAptConf(text, 'apt.conf');

        for (const { name, value: said, item } of ours) {
          const wanted = item ? `${name}:: "${said}";` : `${name} "${lastOf(ours, name)}";`;
          expect(theirs.map((line) => line.toLowerCase())).toContain(wanted.toLowerCase());
        }
        const items = theirs.filter((line) => /:: "/.test(line));
        expect(items.length).toBe(ours.filter(({ item }) => item).length);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses what it refuses', async () => {
    for (const text of ['{ "a"; };', 'Lab "1"\n', 'Lab "x\n";\n', 'Lab { "x" /* y };\n']) {
      await expect(dump(text), text).rejects.toMatchObject({ code: 'PROCESS_FAILED' });
      expect(() => parseAptConf(text, 'f'), text).toThrow();
    }
  });
});

/** Later settings of the same name win. */
function lastOf(settings: ReturnType<typeof parseAptConf>, name: string): string {
  return settings.filter((one) => !one.item && one.name.toLowerCase() === name.toLowerCase()).at(-1)?.value ?? '';
}
