// What several steps ask both sides for, in the words of the story.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { Answer } from './commands.ts';
import { documentOf, succeeded } from './commands.ts';
import type { LabHost, Stage } from './stage.ts';
import type { Evidence } from './step.ts';
import { waitFor } from './waiting.ts';

export interface Fix {
  readonly id: string;
  readonly security: boolean;
  readonly packages: readonly { readonly name: string; readonly version: string; readonly arch: string }[];
  readonly hosts: readonly { readonly name: string; readonly state: string; readonly reason: string | null }[];
}

export interface HostPage {
  readonly host: {
    readonly name: string;
    readonly upgradable: number | null;
    readonly security: number | null;
    readonly inventoryAt: string | null;
    readonly unknown: readonly string[];
  };
  readonly results: readonly { readonly result: RunResult }[];
}

export interface Plan {
  readonly approvals: readonly {
    readonly approval: string;
    readonly verdict: string;
    readonly code: string | null;
    readonly message: string;
    readonly window: { readonly name: string; readonly next: readonly string[] };
  }[];
}

/** Plays a scene on every host, at the same time, and puts its evidence together in the order of the hosts. */
export async function onEach(
  stage: Stage,
  scene: (host: LabHost) => Promise<{ readonly line: string; readonly facts: unknown }>,
): Promise<Evidence> {
  const seen = await Promise.all(stage.hosts.map(async (host) => ({ host, ...(await scene(host)) })));

  return {
    lines: seen.map(({ host, line }) => `${host.name}: ${line}`),
    facts: Object.fromEntries(seen.map(({ host, facts }) => [host.name, facts])),
  };
}

const MIRROR_DEADLINE_MS = 120_000;

export async function fixesOf(stage: Stage): Promise<readonly Fix[]> {
  return documentOf<{ fixes: Fix[] }>(await stage.selvage(['fix', 'list', '--json'])).fixes;
}

export async function hostPage(stage: Stage, host: LabHost): Promise<HostPage> {
  return documentOf<HostPage>(await stage.selvage(['host', 'show', host.name, '--json']));
}

/** Pushes documents or an approval and waits until both agents have mirrored what was signed. */
export async function signAndMirror(stage: Stage, args: readonly string[]): Promise<void> {
  const { timestampVersion } = documentOf<{ timestampVersion: number }>(await stage.selvage([...args, '--json']));
  for (const host of stage.hosts) await mirrored(host, timestampVersion);
}

async function mirrored(host: LabHost, version: number): Promise<void> {
  let seen: unknown = null;
  await waitFor(
    `${host.name} to mirror policy ${version}`,
    async () => {
      seen = await readDone(host);

      return typeof seen === 'number' && seen >= version ? seen : null;
    },
    MIRROR_DEADLINE_MS,
    () => seen,
  );
}

async function readDone(host: LabHost): Promise<number | null> {
  try {
    const text = await readFile(join(host.stateDir, 'policy/done.json'), 'utf8');

    return (JSON.parse(text) as { timestampVersion: number }).timestampVersion;
  } catch (error) {
    // Not written yet; it is replaced as a whole.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

export async function planOf(host: LabHost): Promise<Plan> {
  return documentOf<Plan>(await host.runner(['plan', '--json']));
}

/** One pass of the runner and the results that it wrote. */
export async function pass(host: LabHost): Promise<readonly RunResult[]> {
  return resultsIn(await host.runner(['run', '--json']));
}

function resultsIn(answer: Answer): readonly RunResult[] {
  return documentOf<{ results: RunResult[] }>(answer).results;
}

export async function fetch(host: LabHost): Promise<void> {
  succeeded(await host.agent(['fetch']));
}

/** What dpkg itself says is installed. */
export async function versionsOf(host: LabHost): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(await host.sandbox.versions());
}
