import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { collectorLab } from './cli/testing/collector-lab.ts';
import { main } from './main.ts';

/** Every file below a folder with its bytes: to see that nothing was touched. */
function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path, 'base64')]),
  );
}

describe('when a collector is made', () => {
  it('keeps secrets from others, and the admin apart from the collector', async () => {
    const lab = collectorLab();
    expect(await lab.init()).toMatchObject({ exit: 0 });
    const mode = (path: string) => (statSync(join(lab.home, path)).mode & 0o777).toString(8);

    expect(['admin', 'collector'].map(mode)).toEqual(['700', '700']);
    for (const file of [
      'admin/signing.key',
      'admin/client.key',
      'collector/hosts-authority.key',
      'collector/online-keys.json',
    ]) {
      expect([file, mode(file)]).toEqual([file, '600']);
    }
    expect(existsSync(join(lab.home, 'collector/signing.key'))).toBe(false);
  });

  it('a second init refuses and touches nothing', async () => {
    const lab = collectorLab();
    await lab.init();
    const before = contents(lab.home);
    const again = await lab.init();

    expect(again).toMatchObject({ exit: 1, stderr: expect.stringMatching(/^error ALREADY_EXISTS: .*\nnext: .*serve/) });
    expect(contents(lab.home)).toEqual(before);
  });

  it('an init that was cut off before its end is done anew', async () => {
    const lab = collectorLab();
    await lab.init();
    rmSync(join(lab.home, 'settings.json'));
    mkdirSync(join(lab.home, '.init'));

    expect(await lab.init()).toMatchObject({ exit: 0 });
    expect(existsSync(join(lab.home, '.init'))).toBe(false);
  });

  it('a folder of somebody else in its place is not replaced', async () => {
    const lab = collectorLab();
    mkdirSync(join(lab.home, 'admin'), { recursive: true });
    writeFileSync(join(lab.home, 'admin/config.json'), '{}');

    expect(await lab.init()).toMatchObject({ exit: 1, stderr: expect.stringContaining('ALREADY_EXISTS') });
    expect(readFileSync(join(lab.home, 'admin/config.json'), 'utf8')).toBe('{}');
    expect(existsSync(join(lab.home, 'collector'))).toBe(false);
  });

  it('the environment that moves its ports moves where its first admin looks for it', async () => {
    const home = join(temporaryFolder('init'), 'home');
    const env = { SELVAGE_HOME: home, SELVAGE_GATEWAY_PORT: '17743', SELVAGE_API_PORT: '17744' };
    const silent = { write: () => true };

    expect(await main(['init', '--local'], { env, stdout: silent, stderr: silent })).toBe(0);
    expect(JSON.parse(readFileSync(join(home, 'admin/config.json'), 'utf8'))).toMatchObject({
      url: 'https://127.0.0.1:17744',
    });
    expect(JSON.parse(readFileSync(join(home, 'settings.json'), 'utf8'))).toMatchObject({
      ...{ gatewayPort: 17_743, apiPort: 17_744 },
    });
  });

  it('names that cannot be in a certificate are refused before anything is made', async () => {
    const lab = collectorLab();
    const made = await lab.run(['init', '--name', 'not a name']);

    expect(made).toMatchObject({ exit: 2, stderr: expect.stringContaining('SETTINGS_INVALID') });
    expect(existsSync(lab.home)).toBe(false);
  });
});
