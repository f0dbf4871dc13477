import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { ordinaryUser, runAs } from './ordinary-user.ts';
import { agentProgram } from './program.ts';

const run = createRun({});
const user = ordinaryUser();

/** A checkout with what a real one has: workspaces, a dependency that needs another, and one that the agent does not need. */
function checkout(folder: string, entry: string): string {
  const manifest = (dependencies: Record<string, string>) => JSON.stringify({ type: 'module', dependencies });
  const files = {
    'package-lock.json': '{}',
    'agent/package.json': manifest({ '@selvage/shared': '1', near: '1' }),
    'agent/bin/selvage-agent.mjs': entry,
    'shared/package.json': manifest({}),
    'shared/index.mjs': 'export const word = "shared";',
    'proto/package.json': manifest({}),
    'node_modules/near/package.json': JSON.stringify({ type: 'module', main: 'index.mjs', dependencies: { far: '1' } }),
    'node_modules/near/index.mjs': 'export { word } from "far";',
    'node_modules/far/package.json': JSON.stringify({ type: 'module', main: 'index.mjs' }),
    'node_modules/far/index.mjs': 'export const word = "far";',
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }

  return folder;
}

const WORKING = `import { word } from 'near';
import { word as other } from '@selvage/shared/index.mjs';
console.log(word, other);`;

// Only root has an ordinary user beside itself, who may not be able to enter the checkout.
describe.runIf(user.dropped)('when only root can enter the checkout', () => {
  it('is copied with what it needs, and runs as the ordinary user', async () => {
    const folder = temporaryFolder('program');
    const program = await agentProgram(run, user, join(folder, 'copy'), checkout(temporaryFolder('checkout'), WORKING));
    const { stdout } = await runAs(run, user)({ file: program.node, args: [program.entry], deadlineMs: 60_000 });

    expect(program.entry).toBe(join(folder, 'copy/agent/bin/selvage-agent.mjs'));
    expect(stdout).toBe('far shared\n');
  });

  it('says what keeps it from starting', async () => {
    const broken = checkout(temporaryFolder('checkout'), 'throw new Error("not today")');

    await expect(agentProgram(run, user, join(temporaryFolder('program'), 'copy'), broken)).rejects.toMatchObject({
      code: 'PROCESS_FAILED',
      message: 'the agent cannot be started: Error: not today',
    });
  });
});
