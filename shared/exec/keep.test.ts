import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createKeep, type Kept } from './keep.ts';

const keep = createKeep({ HOME: '/nonexistent', SECRET: 'leak' });
const isRoot = process.getuid?.() === 0;
let child: Kept | undefined;
afterEach(() => child?.stop());

function start(script: string, user: object = {}) {
  const lines: string[] = [];
  child = keep({ file: '/bin/sh', args: ['-c', script], onLine: (line) => lines.push(line), ...user });

  return { child, lines };
}

describe('when a child stays', () => {
  it('hands over both outputs line by line, in pieces where a line has no end', async () => {
    const { child: made, lines } = start('echo out; echo err >&2; head -c 20000 /dev/zero | tr "\\0" x; exit 7');

    expect(await made.ended).toBe(7);
    expect(lines).toEqual(expect.arrayContaining(['out', 'err']));
    expect(Math.max(...lines.map((line) => line.length))).toBe(8192);
    expect(lines.join('').length).toBe(20_006);
  });

  it('is told lines, and none when it has not read the one before', async () => {
    const { child: made, lines } = start('read first; echo "got $first"; sleep 600');
    expect(made.tell('hello')).toBe(true);
    await expect.poll(() => lines).toEqual(['got hello']);
    expect(made.tell('x'.repeat(4_000_000))).toBe(true);

    expect(made.tell('never sent')).toBe(false);
  });

  it('sees the end of its input when it is stopped or not, in a group of its own, without our environment', async () => {
    const { child: made, lines } = start(
      'trap "echo asked; exit 0" TERM; env; echo ready; while :; do sleep 0.1; done',
    );
    await expect.poll(() => lines).toContain('ready');
    const status = readFileSync(`/proc/${made.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    expect([status[2], status[3]]).toEqual([`${made.pid}`, `${made.pid}`]);
    await made.stop();

    expect(lines).toContain('asked');
    expect(lines.join('\n')).not.toContain('leak');
    expect(existsSync(`/proc/${made.pid}`)).toBe(false);
  });

  it('has ended when it has, though a child of it left its group and keeps the pipes', async () => {
    const { child: made, lines } = start('setsid sh -c "echo \\$\\$; exec sleep 600" & read word; exit 3');
    await expect.poll(() => Number(lines[0])).toBeGreaterThan(0);

    try {
      made.tell('end');
      expect(await made.ended).toBe(3);
    } finally {
      process.kill(Number(lines[0]), 'SIGKILL');
    }
  });

  it('is TOOL_MISSING when it is not there', () => {
    expect(() => keep({ file: 'no-such-program', args: [], onLine: () => undefined })).toThrow('not installed');
  });

  it.runIf(isRoot)('as another user it has no rights, no groups, and can gain none', async () => {
    const { child: made, lines } = start('cat /proc/self/status; sleep 600', { uid: 65_534, gid: 65_534 });
    await expect.poll(() => lines.some((line) => line.startsWith('NoNewPrivs'))).toBe(true);
    const text = lines.join('\n').replaceAll('\t', ' ');

    expect(text).toContain('Uid: 65534 65534 65534 65534');
    expect(text).toMatch(/Groups: *\n/);
    expect(text).toContain('NoNewPrivs: 1');
    expect(text).toMatch(/CapEff: 0+\n/);
    expect(made.pid).toBeGreaterThan(0);
  });
});
