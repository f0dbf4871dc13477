// What is said while a collector starts: warnings of before it listens, and nothing of the rest.
import { expect, it } from 'vitest';
import type { Commands } from './commands.ts';
import { startServing } from './serving.ts';

it('when the collector brings an older state up to date, it is said where the backup of it lies', async () => {
  const lines = [
    '{"level":30,"msg":"something usual"}',
    '{"level":40,"msg":"the database is brought up to date; as it was: /home/before-upgrade/x"}',
    '{"level":40,"msg":"half of a li',
    'for hosts   wss://127.0.0.1:1',
    'ready {"gateway":"wss://127.0.0.1:1"}',
    '{"level":40,"msg":"a feed was not reached"}',
  ];
  const commands = {
    spawnSelvage: (_: readonly string[], onLine: (line: string) => void) => {
      queueMicrotask(() => lines.forEach(onLine));

      return { ended: new Promise<number>(() => undefined), stop: () => Promise.resolve() };
    },
  } as unknown as Commands;
  const said: string[] = [];
  const { url } = await startServing(commands, {} as never, (line) => said.push(line));

  expect(url).toBe('wss://127.0.0.1:1');
  expect(said).toEqual([
    'collector: the database is brought up to date; as it was: /home/before-upgrade/x',
    'collector listens on wss://127.0.0.1:1',
  ]);
});
