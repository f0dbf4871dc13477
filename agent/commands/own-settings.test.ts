import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../settings.ts';
import { writeOwnSettings } from './own-settings.ts';

const top = temporaryFolder('own-settings');
const code = (expected: string) => expect.objectContaining({ code: expected });
let count = 0;

/** A settings file with a folder beside it, as `--settings FILE` has. */
function place(fragments: Readonly<Record<string, unknown>> = {}) {
  count += 1;
  const folder = join(top, String(count));
  const inner = join(folder, 'settings.d');
  mkdirSync(folder);
  const paths = [join(folder, 'settings.json'), inner];
  for (const [name, content] of Object.entries(fragments)) {
    const path = join(folder, name);
    if (name.includes('/')) mkdirSync(inner, { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o644 });
  }

  return { paths, inner, own: join(inner, '50-enroll.json') };
}

describe('when enroll is told mode and labels', () => {
  it('they are in force afterwards, and any user of the machine may read them', async () => {
    const { paths, own } = place();
    await writeOwnSettings(paths, { mode: 'managed', labels: { tier: ['web', 'db'] } });

    expect(await loadSettings(paths)).toMatchObject({ mode: 'managed', labels: { tier: ['web', 'db'] } });
    expect(statSync(own).mode & 0o777).toBe(0o644);
  });

  it('nothing is written when nothing is said', async () => {
    const { paths, inner } = place();
    await writeOwnSettings(paths, { labels: {} });

    expect(existsSync(inner)).toBe(false);
  });

  it('a refusal takes back the file, and the folder that was made for it', async () => {
    const { paths, inner } = place();
    const written = await writeOwnSettings(paths, { mode: 'managed', labels: {} });
    await written.takeBack();

    expect(existsSync(inner)).toBe(false);
  });

  it('a refusal brings back exactly what was there before', async () => {
    const before = '{ "mode": "observe",  "inventoryEvery": "2h" }';
    const { paths, own } = place({ 'settings.d/50-enroll.json': before });
    const written = await writeOwnSettings(paths, { mode: 'managed', labels: { a: ['b'] } });
    expect(await loadSettings(paths)).toMatchObject({ mode: 'managed', inventoryEvery: 7_200_000 });
    await written.takeBack();

    expect(readFileSync(own, 'utf8')).toBe(before);
  });
});

describe('when another fragment says something else', () => {
  it.each([
    ['a stricter mode before it', 'settings.json', { mode: 'observe' }],
    ['a stricter mode after it', 'settings.d/90-site.json', { mode: 'advise' }],
    ['a wider mode', 'settings.json', { mode: 'ask-on-site' }],
    ['a mode that is none', 'settings.json', { mode: 7 }],
    ['other labels before it', 'settings.json', { labels: { tier: 'db' } }],
    ['other labels after it', 'settings.d/90-site.json', { labels: { tier: ['web'], zone: 'a' } }],
    ['labels that are none', 'settings.json', { labels: 'web' }],
  ])('%s is left in force, and the command is refused with nothing written', async (_what, name, content) => {
    const { paths, own } = place({ [name]: content });
    const text = readFileSync(join(own, '../..', name), 'utf8');

    await expect(writeOwnSettings(paths, { mode: 'managed', labels: { tier: ['web'] } })).rejects.toThrow(
      code('SETTINGS_INVALID'),
    );
    expect([existsSync(own), readFileSync(join(own, '../..', name), 'utf8')]).toEqual([false, text]);
  });

  it('one that says the same is no obstacle', async () => {
    const { paths } = place({ 'settings.json': { mode: 'managed', labels: { tier: 'web' } } });
    await writeOwnSettings(paths, { mode: 'managed', labels: { tier: ['web'] } });

    expect(await loadSettings(paths)).toMatchObject({ mode: 'managed', labels: { tier: ['web'] } });
  });
});

describe('when somebody else could have written there', () => {
  it('a folder that others may write into gets nothing', async () => {
    const { paths, inner, own } = place({ 'settings.d/10.json': {} });
    chmodSync(inner, 0o777);

    await expect(writeOwnSettings(paths, { mode: 'managed', labels: {} })).rejects.toThrow(code('FILE_UNSAFE'));
    expect(existsSync(own)).toBe(false);
  });

  it('a link in the place of the file is not followed', async () => {
    const { paths, own } = place({ 'settings.d/10.json': {} });
    const target = join(top, `target-${count}`);
    writeFileSync(target, '{}');
    symlinkSync(target, own);

    await expect(writeOwnSettings(paths, { mode: 'managed', labels: {} })).rejects.toThrow(code('FILE_UNSAFE'));
    expect(readFileSync(target, 'utf8')).toBe('{}');
  });
});
