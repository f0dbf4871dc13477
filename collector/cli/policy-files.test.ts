import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { readPolicyFiles } from './policy-files.ts';

const folder = temporaryFolder('policy-files');
let count = 0;
const file = (text: string) => {
  const path = join(folder, `p${++count}.yaml`);
  writeFileSync(path, text);

  return path;
};
const failure = async (...texts: string[]) => {
  try {
    await readPolicyFiles(texts.map(file));
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('it was accepted');
};
const WINDOW = `kind: Window
name: nights
days: [mon, tue]
start: "01:00"
for: 3h
timezone: host
`;
const POLICY = `kind: PatchPolicy
name: servers
select: { os: linux }
allow: { from: [security] }
lanes:
  scheduled:
    approve: manual
    delay: 3d
    window: nights
    rings: [{ rest: true }]
`;

describe('when policy files are read', () => {
  it('takes several documents from several files, defaults filled in', async () => {
    const documents = await readPolicyFiles([
      file(`# comment\n${WINDOW}---\n${POLICY}---\n`),
      file(WINDOW.replace('nights', 'days')),
    ]);

    expect(documents.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'Window nights',
      'PatchPolicy servers',
      'Window days',
    ]);
    expect(documents[0]).toMatchObject({ freeze: [] });
  });

  it('says every error of every file at once, each with file, line and path', async () => {
    const error = await failure(
      `${WINDOW.replace('3h', 'three hours').replace('mon', 'monday')}---\n${POLICY.replace('delay: 3d', 'delay: soon')}`,
      'kind: Wndow\nname: x\n',
      'kind: Window\nname: [\n',
    );

    expect(error.code).toBe('DOCUMENT_INVALID');
    expect(error.message).toBe('5 errors in 3 files');
    expect(error.details.errors).toEqual([
      { file: 'p3.yaml', line: 3, path: 'Window nights: days.0', message: expect.any(String) },
      { file: 'p3.yaml', line: 5, path: 'Window nights: for', message: expect.stringContaining('a duration') },
      { file: 'p3.yaml', line: 15, path: 'PatchPolicy servers: lanes.scheduled.delay', message: expect.any(String) },
      { file: 'p4.yaml', line: 1, path: 'kind', message: expect.stringContaining('"Wndow" is none of') },
      { file: 'p5.yaml', line: 3, path: 'YAML', message: expect.any(String) },
    ]);
  });

  it('refuses what is not built as such, when all else is right', async () => {
    const error = await failure(`${POLICY}reboot: { when: required }\n`);

    expect(error.code).toBe('DOCUMENT_NOT_SUPPORTED');
    expect(error.details.errors).toMatchObject([{ line: 11, path: 'PatchPolicy servers: reboot' }]);
  });

  it.each([
    ['a name given twice, in two files', [WINDOW, WINDOW], 'is given twice'],
    ['a key given twice', [`${WINDOW}for: 4h\n`], 'unique'],
    ['a tag that is not plain data', [WINDOW.replace('3h', '!!js/function "x"')], 'tag'],
    ['an unknown field', [`${WINDOW}colour: red\n`], 'colour'],
  ])('refuses %s', async (_name, texts, message) => {
    const error = await failure(...texts);

    expect(error.code).toBe('DOCUMENT_INVALID');
    expect(JSON.stringify(error.details.errors)).toContain(message);
  });

  it('refuses an alias bomb without unfolding it', async () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (const [at, before] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg'].entries()) {
      const [name, from] = [...before];
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${from}`).join(',')}] # ${at}`);
    }

    expect((await failure(`${bomb.join('\n')}\nkind: Window\n`)).code).toBe('DOCUMENT_INVALID');
  });

  it('says that a file is missing or empty', async () => {
    await expect(readPolicyFiles([join(folder, 'none.yaml')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await failure('# nothing\n---\n')).code).toBe('DOCUMENT_INVALID');
  });
});
