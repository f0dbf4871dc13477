// The admin signs a policy whose window opens tomorrow, and approves one of the two fixes.
import { fixesOf, signAndMirror } from '../asking.ts';
import { FIX_ID, OTHER_FIX_ID, POLICY, policyDocuments, WINDOW_TOMORROW } from '../cast.ts';
import { expectSame } from '../expectation.ts';
import type { Step } from '../step.ts';

export const policy: Step = {
  name: 'policy',
  title: 'The admin signs a policy whose window opens tomorrow, and approves one fix',
  play: async (stage) => {
    const file = await stage.paper('tomorrow.yaml', policyDocuments(WINDOW_TOMORROW, stage.began));
    await signAndMirror(stage, ['policy', 'push', file]);
    await signAndMirror(stage, ['fix', 'approve', FIX_ID, '--policy', POLICY, '--lane', 'scheduled']);

    const fixes = await fixesOf(stage);
    const states = fixes.flatMap(({ id, hosts }) => hosts.map(({ name, state }) => `${id} ${name} ${state}`)).sort();
    const expected = [
      ...stage.hosts.map(({ name }) => `${OTHER_FIX_ID} ${name} open`),
      ...stage.hosts.map(({ name }) => `${FIX_ID} ${name} approved`),
    ];
    expectSame(states, expected, 'the states of the fixes');

    return {
      lines: [`signed: windows, patch policy ${POLICY}, approval of ${FIX_ID}`, 'both agents have mirrored it'],
      facts: { approved: FIX_ID, states },
    };
  },
};
