// The result as it arrived at the collector, signed by the runner, and a fresh inventory that shows the approved version.
import type { RunResult } from '@selvage/shared/model/result.ts';
import { fixesOf, hostPage, onEach, pass } from '../asking.ts';
import { FIX_ID, NEW_WIDGET } from '../cast.ts';
import { documentOf } from '../commands.ts';
import { expectSame, expectThat } from '../expectation.ts';
import type { LabHost, Stage } from '../stage.ts';
import type { Step } from '../step.ts';
import { waitFor } from '../waiting.ts';

interface InventoryDocument {
  readonly sections: {
    readonly packages: {
      readonly ok: boolean;
      readonly data?: readonly { name: string; version: string; state: string }[];
    };
  };
}

const ARRIVAL_DEADLINE_MS = 120_000;

export const proof: Step = {
  name: 'proof',
  title: 'The result is proven by a fresh inventory, and the same approval does nothing twice',
  play: async (stage) => {
    const { lines, facts } = await onEach(stage, (host) => proven(stage, host));
    const fix = (await fixesOf(stage)).find(({ id }) => id === FIX_ID);
    expectThat(
      fix?.hosts.every(({ state }) => state === 'installed') ?? false,
      'the fix to be done on both hosts',
      fix,
    );

    return {
      lines: [...lines, `fix ${FIX_ID}: installed on both hosts`],
      facts: { ...facts, fix: fix?.hosts },
    };
  },
};

async function proven(stage: Stage, host: LabHost): Promise<{ line: string; facts: unknown }> {
  const result = await arrived(stage, host);
  const [evidence] = result.evidence?.packages ?? [];
  expectSame([evidence?.name, evidence?.version, evidence?.state], ['widget', NEW_WIDGET, 'installed'], 'the evidence');
  const inventory = documentOf<InventoryDocument>(await host.agent(['inventory', '--json']));
  const widget = inventory.sections.packages.data?.find(({ name }) => name === 'widget');
  expectThat(widget?.version === NEW_WIDGET && widget.state === 'installed', 'the inventory to show it', widget);
  expectSame(await pass(host), [], 'the results of another pass');

  return {
    line: `result ${result.number} ${result.outcome}; inventory shows widget ${widget.version} ${widget.state}`,
    facts: { result: result.number, outcome: result.outcome, evidence, inventory: widget },
  };
}

/** The result of the installation, once the collector has committed it. */
async function arrived(stage: Stage, host: LabHost): Promise<RunResult> {
  let seen: unknown = null;

  return waitFor(
    `the result of ${host.name} to arrive`,
    async () => {
      const { results } = await hostPage(stage, host);
      seen = results;

      return results.map(({ result }) => result).find(({ outcome }) => outcome === 'installed') ?? null;
    },
    ARRIVAL_DEADLINE_MS,
    () => seen,
  );
}
