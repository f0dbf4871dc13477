import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectorLab } from './testing/collector-lab.ts';

describe('when a command is used wrongly or nothing answers', () => {
  const lab = collectorLab();

  it.each([
    ['an unknown command', ['bogus'], /^error USAGE: unknown command 'bogus'\nnext: usage: selvage /],
    [
      'an unknown verb',
      ['host', 'shwo'],
      /^error USAGE: unknown command 'shwo'.*\nnext: usage: selvage host list\|show\|readmit\|accept/,
    ],
    [
      'an unknown option',
      ['host', 'list', '--jsno'],
      /^error USAGE: unknown option '--jsno'.*\nnext: usage: selvage host list/,
    ],
    [
      'a token for nobody',
      ['token', 'create'],
      /^error USAGE: for whom is the token\?\nnext: say --host NAME .* or --uses COUNT/,
    ],
    ['a missing option', ['host', 'retire', 'a'], /^error USAGE: required option '--reason <text>'/],
    ['a missing argument', ['host', 'show'], /^error USAGE: missing required argument 'host'/],
    [
      'a lane that is none',
      ['fix', 'approve', 'a@1', '--policy', 'p', '--lane', 'fast'],
      /^error USAGE: .*Allowed choices/,
    ],
    ['a noun alone', ['host'], /^error USAGE: a command is missing\nnext: usage: selvage host /],
    ['nothing', [], /^error USAGE: a command is missing/],
    [
      'a duration that is none',
      ['token', 'create', '--host', 'a', '--expires', 'soon'],
      /^error USAGE: (?!.*CodedError).*not a duration such as 30m, 3h, 7d/,
    ],
  ])('%s ends with 2 and says how to use it', async (_name, args, said) => {
    expect(await lab.run(args)).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringMatching(said) });
  });

  it('help is no error', async () => {
    expect(await lab.run(['--help'])).toMatchObject({ exit: 0, stdout: expect.stringContaining('Exit codes: 0 ok') });
    expect(await lab.run(['help', 'words'])).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('plan changed'),
    });
    expect(await lab.run(['help', 'fix', 'approve'])).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('--add'),
    });
    expect(await lab.run(['help', 'nothing'])).toMatchObject({ exit: 2 });
    expect(await lab.run(['--version'])).toMatchObject({ exit: 0, stdout: '0.1.0\n' });
  });

  it('without a login it says how to log in', async () => {
    expect(await lab.run(['host', 'list'])).toMatchObject({
      exit: 3,
      stderr: expect.stringMatching(/^error UNAUTHENTICATED: .*\nnext: .*selvage init/),
    });
    expect(await lab.run(['serve'])).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/^error NOT_FOUND: .*\nnext: .*selvage init/),
    });
  });

  it('when no collector runs it ends with 4 and says how to start one', async () => {
    await lab.init();
    const running = await lab.serve();
    await running.stop();

    expect(await lab.run(['host', 'list'])).toMatchObject({
      exit: 4,
      stdout: '',
      stderr: expect.stringMatching(/^error UNREACHABLE: .*\nnext: .*selvage serve/),
    });
  });

  it('a collector that was set up anew at the same address is not trusted', async () => {
    const other = collectorLab();
    await other.init();
    const running = await other.serve();
    const config = join(lab.home, 'admin/config.json');
    writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), url: running.api }));

    expect(await lab.run(['host', 'list'])).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('error CERTIFICATE_INVALID'),
    });
    await running.stop();
  });

  it('a port that is taken is said with its number', async () => {
    const first = collectorLab();
    await first.init();
    const running = await first.serve();
    const settings = join(lab.home, 'settings.json');
    const port = Number(new URL(running.api).port);
    writeFileSync(settings, JSON.stringify({ ...JSON.parse(readFileSync(settings, 'utf8')), apiPort: port }));

    expect(await lab.run(['serve'])).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(new RegExp(`error ADDRESS_IN_USE: .*${port}`)),
    });
    await running.stop();
  });
});
