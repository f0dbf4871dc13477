// A real collector in a process of its own: `selvage init` and `selvage serve`.
import { documentOf } from '../commands.ts';
import { expectThat } from '../expectation.ts';
import { freePorts } from '../free-ports.ts';
import type { Step } from '../step.ts';

const READY_DEADLINE_MS = 120_000;

export const collector: Step = {
  name: 'collector',
  title: 'selvage init makes authorities, policy root and admin key; selvage serve listens on loopback',
  play: async (stage) => {
    const [gatewayPort, apiPort] = await freePorts(2);
    const ports = ['--gateway-port', `${gatewayPort}`, '--api-port', `${apiPort}`];
    const made = documentOf<{ gatewayPin: string; keyId: string }>(
      await stage.selvage(['init', '--local', ...ports, '--json']),
    );
    const [, ready = '{}'] = await stage.serve().line(/^ready (\{.*\})$/, READY_DEADLINE_MS);
    const { gateway } = JSON.parse(ready) as { gateway?: string };
    expectThat(/^wss:\/\/127\.0\.0\.1:\d+$/.test(gateway ?? ''), 'a gateway on loopback', ready);

    return {
      lines: [`hosts connect to ${gateway}, ${made.gatewayPin}`, `policy is signed with the admin's key ${made.keyId}`],
      facts: { gateway, pin: made.gatewayPin, keyId: made.keyId },
    };
  },
};
