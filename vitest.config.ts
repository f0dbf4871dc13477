// How the tests run: beside the code, each file in its own process, no globals.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Most tests wait for others (apt, systemd, sockets): with one worker less than cores, as is usual, half of the machine is idle. */
const MAX_WORKERS = Math.max(2, availableParallelism());

export default defineConfig({
  test: {
    include: ['{proto,shared,agent,collector,scripts}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: MAX_WORKERS,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
