// Both programs as they are installed: what a script sees of them, which is the exit code, the two lines of an error on
// standard error, and standard output that holds either what was asked for or nothing.
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../lab/commands.ts';
import { freePorts } from '../lab/free-ports.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import type { Daemon } from './testing/daemon.ts';
import { enroll, makeHost, type RealHost } from './testing/host.ts';

let collector: RealCollector;
let serving: Daemon;
let enrolled: RealHost;
let stranger: RealHost;
beforeAll(async () => {
  collector = await makeCollector();
  serving = await collector.serve();
  enrolled = await makeHost({ name: 'web-1' });
  stranger = await makeHost({ name: 'web-2' });
  await enroll(collector, enrolled);
});

function expectFailure(answer: Answer, exitCode: number, code: string): void {
  expect({ exitCode: answer.exitCode, code: answer.error?.code, stdout: answer.stdout }).toEqual({
    exitCode,
    code,
    stdout: '',
  });
  expect(answer.stderr).toMatch(/^error [A-Z_]+: \S.*\n(?:.*\n)*next: \S.*\n$/);
}

describe('when selvage ends', () => {
  it.each<[number, string, readonly string[]]>([
    [1, 'NOT_FOUND', ['host', 'show', 'nobody']],
    [1, 'NOT_FOUND', ['fix', 'approve', 'widget@9', '--policy', 'servers', '--lane', 'urgent']],
    [1, 'ALREADY_EXISTS', ['init', '--local']],
    [2, 'REQUEST_INVALID', ['token', 'create', '--host', 'web-3', '--expires', '1s']],
    [
      3,
      'TOKEN_UNKNOWN',
      ['login', '--collector', 'API', '--pin', 'PIN', '--token', `slv_${'A'.repeat(43)}`, '--name', 'eve'],
    ],
  ])('with %d, it is %s: %j', async (exitCode, code, args) => {
    const elsewhere = args[0] === 'login' ? join(temporaryFolder('eve'), 'home') : undefined;
    const [, ready = '{}'] = await serving.line(/^ready (.*)$/);
    const { api, apiPin } = JSON.parse(ready);
    const filled = args.map((word) => (word === 'API' ? api : word === 'PIN' ? apiPin : word));

    expectFailure(await collector.selvage(filled, elsewhere), exitCode, code);
  });

  it('with 2 when it is used wrongly, and nothing is on standard output', async () => {
    const { exitCode, stdout, stderr } = await collector.selvage(['host', 'show']);

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/missing required argument/);
  });

  it('with 0, a document is all there is on standard output', async () => {
    const { exitCode, stdout, stderr } = await collector.selvage(['host', 'list', '--json']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ hosts: [{ name: 'web-1' }] });
  });
});

describe('when selvage-agent ends', () => {
  it.each<[number, string, () => Promise<Answer>]>([
    [1, 'NOT_ENROLLED', () => stranger.agent(['run'])],
    [1, 'ALREADY_ENROLLED', () => enrollAt(enrolled, collector.gateway)],
    [2, 'SETTINGS_INVALID', () => stranger.agent(['--settings', join(stranger.folder, 'none.json'), 'status'])],
    [3, 'TOKEN_UNKNOWN', () => enrollAt(stranger, collector.gateway)],
    [4, 'UNREACHABLE', async () => enrollAt(stranger, `wss://127.0.0.1:${(await freePorts(1))[0]}`)],
  ])('with %d, it is %s', async (exitCode, code, act) => {
    expectFailure(await act(), exitCode, code);
  });

  it('with 0, a document is all there is on standard output', async () => {
    const { exitCode, stdout, stderr } = await enrolled.agent(['status', '--json']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ mode: 'managed', host: { name: 'web-1' } });
  });

  function enrollAt(host: RealHost, url: string): Promise<Answer> {
    const contact = ['--collector', url, '--pin', collector.pin, '--name', host.name];

    return host.agent(['enroll', ...contact, '--token', `slv_${'A'.repeat(43)}`]);
  }
});

describe('when the collector is gone', () => {
  it('selvage ends with 4 and says how to start one', async () => {
    await serving.kill('SIGTERM');

    expectFailure(await collector.selvage(['host', 'list']), 4, 'UNREACHABLE');
  });
});
