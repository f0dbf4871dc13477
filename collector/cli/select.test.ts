// Select texts as a person meets them: the real command against a real collector.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OS_SECTION, pendingSample } from '../api/testing/inventories.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';

const lab = collectorLab();
let running: Running;
const WINDOW = `kind: Window
name: nights
days: [mon]
start: "01:00"
for: 3h
timezone: host
`;
const policy = (select: string) => `kind: PatchPolicy
name: gold
select: ${select}
allow: { from: [security] }
lanes:
  scheduled: { approve: manual, delay: 0h, window: nights, rings: [{ rest: true }] }
`;
const group = (hosts: string, name = 'web-servers') => `kind: HostGroup
name: ${name}
hosts: [${hosts}]
labels: { tier: [gold] }
`;
const all = (...documents: readonly string[]) => documents.join('---\n');

beforeAll(async () => {
  await lab.init();
  const agent = (tier: string) => ({
    version: '0.1.9',
    mode: 'managed' as const,
    labels: { tier: [tier] },
    components: [],
  });
  const known = { known: true as const, asOf: '2026-11-23T10:00:00Z', pending: [pendingSample()] };
  await lab.addHost(1, { os: OS_SECTION, agent: agent('web'), updates: known });
  await lab.addHost(2, { os: OS_SECTION, agent: agent('db'), updates: { ...known, pending: [] } });
  await lab.addHost(3, {});
  running = await lab.serve();
});
afterAll(() => running.stop());

const run = (...args: string[]) => lab.run(args);

describe('when a list is asked with a text', () => {
  it('it shows those selected, how the text was understood, and how many were left out because of what', async () => {
    const { exit, stdout } = await run('host', 'list', '--select', 'tier=web  AND security>=0');

    expect(exit).toBe(0);
    expect(stdout).toContain('1 of 3 hosts selected by: tier=web and security>=0');
    expect(stdout).toContain('? 1 left out, because it is not known: tier (1), security (1)');
    expect(stdout).toMatch(/^host-1 /m);
    expect(stdout).not.toMatch(/^host-[23] /m);
  });

  it('a wrong text ends with its column, a caret and the exit code of wrong use', async () => {
    const { exit, stdout, stderr } = await run('host', 'list', '--select', 'tier=web and secuity>0');

    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr.split('\n')).toEqual([
      'error SELECT_INVALID: column 14: the label secuity has no order: expected =, != or in (did you mean security?)',
      '    tier=web and secuity>0',
      '                 ^',
      'next: correct the text at the column shown; see: selvage help select',
      '',
    ]);
  });

  it('a text that no request could carry is refused before one is made', async () => {
    const { exit, stderr } = await run('host', 'list', '--select', `name in (${'a,'.repeat(20_000)}a)`);

    expect(exit).toBe(2);
    expect(stderr).toContain('error SELECT_INVALID: column 1: the text has 40011 bytes, at most 4096 are read');
  });

  it('a name that nothing has as a label is said', async () => {
    const { stdout } = await run('host', 'list', '--select', 'teir=web');

    expect(stdout).toContain('note: none of the hosts has a label teir; did you mean tier?');
  });

  it.each([
    [['fix', 'list', '--select', 'tier=web and why=security'], /^openssl@/m],
    [['token', 'list', '--select', 'state=open'], /0 of 1 tokens selected by: state=open/],
    [['admin', 'list', '--select', 'role=admin and certificate>1d'], /1 of 1 admins selected by/],
    [['key', 'list', '--select', 'here and counts'], /1 of 1 keys selected by: here and counts/],
    [['audit', 'list', '--select', 'at<1d and action=*', '--last', '3'], /entries selected by/],
    [['status', '--select', 'tier=db'], /1 of 3 hosts selected by: tier=db/],
    [['authority', 'list', '--select', 'tier=db'], /0 of 0 hosts in the way selected by/],
  ])('%j takes one', async (args, expected) => {
    const { exit, stdout } = await run(...args);

    expect(exit).toBe(0);
    expect(stdout).toMatch(expected);
    const json = (await run(...args, '--json')).json<{ selection: { select: string } | null }>();
    expect(json.selection?.select).toBe(args[args.indexOf('--select') + 1]);
  });

  it('the help of each says so, and help select tells the words of each noun', async () => {
    expect((await run('host', 'list', '--help')).stdout).toContain('--select <text>');
    expect((await run('help', 'select')).stdout).toMatch(
      /NAME not in \(A, B\)[\s\S]+words for hosts[\s\S]+security\s+number/,
    );
    expect((await run('help', 'select', 'signed')).stdout).toContain("the host's own, and signed by a HostGroup");
    expect((await run('help', 'select', 'nonsense')).exit).toBe(1);
  });
});

describe('when documents are compared before they are signed', () => {
  it('a wrong text in a document is shown with file, line and caret', async () => {
    const file = lab.file('bad.yaml', all(WINDOW, policy('"seen>3d and tier=gold"')));
    const { exit, stderr } = await run('policy', 'diff', file);

    expect(exit).toBe(2);
    expect(stderr).toMatch(
      /bad\.yaml:10 {2}PatchPolicy gold: select {2}column 1: seen is refused here: only the collector knows it/,
    );
    expect(stderr).toContain('\n    seen>3d and tier=gold\n    ^\n');
  });

  it('hosts that enter and leave by a group are listed, also for a policy that stays as it is', async () => {
    const first = lab.file('first.yaml', all(WINDOW, policy('"tier=gold or tier=db"'), group('host-1, host-9')));
    const diff = await run('policy', 'diff', first);
    expect(diff.stdout).toContain('group web-servers has 1 host: host-1');
    expect(diff.stdout).toContain('names that no known host has: host-9');
    expect(diff.stdout).toContain('gold selects 2 hosts: host-1, host-2');
    expect(diff.stdout).toContain('not known yet (no inventory): host-3');
    expect((await run('policy', 'push', first)).exit).toBe(0);

    const second = lab.file('second.yaml', group('host-3'));
    const { stdout } = await run('policy', 'diff', second);
    expect(stdout).toContain('group web-servers has 1 host (now 1): host-3\n    + 1: host-3\n    - 1: host-1');
    expect(stdout).toContain('gold selects 2 hosts (now 2): host-2, host-3\n    + 1: host-3\n    - 1: host-1');
    const json = (await run('policy', 'diff', second, '--json')).json();
    expect(json).toMatchObject({
      groups: [{ name: 'web-servers', before: 1, enters: ['host-3'], leaves: ['host-1'], strangers: [] }],
      policies: [{ name: 'gold', selected: ['host-2', 'host-3'], before: 2, enters: ['host-3'], leaves: ['host-1'] }],
    });
  });

  it('signed labels are shown beside the others, and documents are selected too', async () => {
    expect((await run('host', 'show', 'host-1')).stdout).toMatch(/labels +tier=web\n +signed +tier=gold/);
    expect((await run('host', 'list', '--select', 'tier=gold')).stdout).toMatch(/^host-1 /m);
    const { stdout, stderr } = await run('policy', 'get', '--select', 'kind=hostgroup');
    expect(stdout).toMatch(/^# HostGroup web-servers\nkind: HostGroup/);
    expect(stderr).toContain('1 of 3 documents selected by: kind=hostgroup');
  });

  it('what is no list of groups or hosts is refused with the path', async () => {
    const file = lab.file('groups.yaml', all(group('Host-1'), `kind: HostGroup\nname: x\nlabels: { tier: [a] }\n`));
    const { stderr } = await run('policy', 'diff', file);

    expect(stderr).toMatch(/HostGroup web-servers: hosts\.0 {2}the name of a host/);
    expect(stderr).toMatch(/HostGroup x {2}exactly one of hosts and select/);
  });
});
