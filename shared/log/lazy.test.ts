import { describe, expect, it } from 'vitest';
import { createLazyLog } from './lazy.ts';

async function lines(level: 'warn' | 'debug' | 'silent', write: (log: ReturnType<typeof createLazyLog>) => void) {
  const written: string[] = [];
  const log = createLazyLog({ level, stream: { write: (text) => void written.push(text) } });
  write(log);
  await expect.poll(() => written.length).toBeGreaterThanOrEqual(level === 'silent' ? 0 : 1);
  // All that was asked for at once comes at once.
  await new Promise((resolve) => setImmediate(resolve));

  return written.map((text) => JSON.parse(text) as Record<string, unknown>);
}

describe('when a log is loaded late', () => {
  it('writes what the level lets through, in order, secrets redacted', async () => {
    const written = await lines('warn', (log) => {
      log.info({}, 'no');
      log.warn({ token: 'slv_1' }, 'first');
      log.error({ error: new Error('why') }, 'second');
      log.child({ host: 'a' }).warn({}, 'third');
      log.debug({}, 'no');
    });

    expect(written.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['first', 'second', 'third']));
    expect(written.slice(0, 2)).toMatchObject([{ msg: 'first', token: '[redacted]' }, { error: { message: 'why' } }]);
    expect(written).toHaveLength(3);
    expect(written.find(({ msg }) => msg === 'third')).toMatchObject({ host: 'a' });
  });

  it('writes nothing when it is silent', async () => {
    expect(await lines('silent', (log) => log.error({}, 'no'))).toEqual([]);
  });
});
