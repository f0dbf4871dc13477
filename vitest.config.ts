// How the tests run: beside the code, each file in its own process, no globals.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{proto,shared,agent,collector,scripts}/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
