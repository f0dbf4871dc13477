import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { loadSettings, shownSettings } from './settings.ts';

const folder = temporaryFolder('settings');
const write = (name: string, value: unknown) => {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));

  return path;
};
const zone = { zone: 'UTC' };

describe('when there are no settings', () => {
  it('observes only, and has every default', async () => {
    expect(await loadSettings([join(folder, 'missing.json')], zone)).toEqual({
      mode: 'observe',
      proxy: null,
      labels: {},
      stateDir: '/var/lib/selvage-agent',
      runnerDir: '/var/lib/selvage-agent/runner',
      root: '/',
      collector: null,
      zone: 'UTC',
      user: 'nobody',
      lists: { maxAge: 86_400_000, refreshEvery: 21_600_000, jitter: 0.2, byteBudget: 200_000_000 },
      inventoryEvery: 3_600_000,
    });
  });
});

describe('when there are several fragments', () => {
  it('lets later ones win by property, a folder in the order of its names', async () => {
    const first = write('first.json', {
      mode: 'managed',
      labels: { tier: 'web' },
      lists: { maxAge: '2h', jitter: 0.5 },
    });
    mkdirSync(join(folder, 'parts'));
    write('parts/20.json', { mode: 'advise', lists: { maxAge: '3h' } });
    write('parts/10.json', { mode: 'observe', labels: { role: ['a', 'b'] } });
    write('parts/note.txt', 'not read');

    expect(await loadSettings([first, join(folder, 'parts')], zone)).toMatchObject({
      mode: 'advise',
      labels: { role: ['a', 'b'] },
      lists: { maxAge: 10_800_000, jitter: 0.5 },
    });
  });
});

describe('when settings are wrong', () => {
  it('names every path at once', async () => {
    const path = write('wrong.json', { mode: 'root', stateDir: 'relative', lists: { maxAge: 'soon' }, extra: 1 });

    await expect(loadSettings([path], zone)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      details: {
        paths: expect.arrayContaining([
          expect.stringContaining('mode'),
          expect.stringContaining('stateDir'),
          expect.stringContaining('lists.maxAge'),
          expect.stringContaining('extra'),
        ]),
      },
    });
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['an unknown zone', { zone: 'Mars/Olympus' }],
    ['a collector without TLS', { collector: 'ws://collector.example.org' }],
  ])('refuses %s', async (name, value) => {
    await expect(loadSettings([write(`${name}.json`, value)], zone)).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
    });
  });

  it('refuses a link', async () => {
    const link = join(folder, 'link.json');
    symlinkSync(write('target.json', {}), link);

    await expect(loadSettings([link], zone)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
  });
});

describe('when settings are read', () => {
  it('cannot be changed afterwards', async () => {
    const settings = await loadSettings([write('frozen.json', { labels: { tier: 'web' } })], zone);

    expect(() => Object.assign(settings.lists, { maxAge: 1 })).toThrow(TypeError);
    expect(() => Object.assign(settings.labels, { tier: [] })).toThrow(TypeError);
  });
});

describe('when a proxy is set', () => {
  const path = write('proxy.json', { proxy: 'http://agent:s3cret@proxy.example:3128' });

  it('it is used as it stands, and shown without its password', async () => {
    const settings = await loadSettings([path], zone);

    expect(settings.proxy).toBe('http://agent:s3cret@proxy.example:3128');
    expect(shownSettings(settings).proxy).toBe('http://***@proxy.example:3128');
    expect(shownSettings(await loadSettings([write('none.json', { proxy: 'none' })], zone)).proxy).toBe('none');
  });

  it('one that cannot be read is refused, and its password not repeated', async () => {
    const wrong = write('wrong-proxy.json', { proxy: 'socks5://agent:s3cret@proxy.example' });
    const error: unknown = await loadSettings([wrong], zone).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', message: expect.stringContaining('proxy:') });
    expect(inspect(error, { depth: 9 })).not.toContain('s3cret');
  });
});
