// How the tests run: beside the code, each file in its own process, no globals.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Most tests wait for others (apt, systemd, sockets): with one worker less than cores, as is usual, half of the machine is idle. */
const MAX_WORKERS = Math.max(2, availableParallelism());

/** What hangs is found by it; nothing else may be: on a busy machine the same work takes six times as long. */
const HANGS_MS = 180_000;
/** A condition that is awaited comes when it comes; the second that is usual is a bet on the machine. */
const COMES_MS = 60_000;

// Folders that apt, dpkg and other users are to read are made by ordinary programs too: with a private mask they could not.
process.umask(0o022);

export default defineConfig({
  test: {
    include: ['{proto,shared,agent,collector,scripts}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: MAX_WORKERS,
    testTimeout: HANGS_MS,
    hookTimeout: HANGS_MS,
    teardownTimeout: HANGS_MS,
    expect: { poll: { timeout: COMES_MS } },
  },
});
