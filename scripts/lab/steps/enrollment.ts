// Both agents enroll with tokens of their own and stay connected.
import { documentOf, succeeded } from '../commands.ts';
import { expectSame, expectThat } from '../expectation.ts';
import type { Step } from '../step.ts';
import { waitFor } from '../waiting.ts';

interface Token {
  readonly token: string;
  readonly collector: string;
  readonly pin: string;
}
interface HostRow {
  readonly name: string;
  readonly mode: string;
  readonly connected: boolean;
}

const CONNECT_DEADLINE_MS = 120_000;

export const enrollment: Step = {
  name: 'enrollment',
  title: 'Two agents enroll with one-time tokens over mutual TLS and stay connected',
  play: async (stage) => {
    for (const host of stage.hosts) {
      const token = documentOf<Token>(await stage.selvage(['token', 'create', '--host', host.name, '--json']));
      const contact = ['--collector', token.collector, '--pin', token.pin, '--name', host.name];
      succeeded(await host.agent(['enroll', ...contact, '--token', token.token]));
      host.connect();
    }

    const list = async () => documentOf<{ hosts: HostRow[] }>(await stage.selvage(['host', 'list', '--json'])).hosts;
    let seen: readonly HostRow[] = [];
    const hosts = await waitFor(
      'both hosts to be connected',
      async () => {
        seen = await list();

        return seen.length === stage.hosts.length && seen.every((host) => host.connected) ? seen : null;
      },
      CONNECT_DEADLINE_MS,
      () => seen,
    );
    expectSame(hosts.map(({ name }) => name).sort(), stage.hosts.map(({ name }) => name).sort(), 'the enrolled hosts');
    expectThat(
      hosts.every(({ mode }) => mode === 'managed'),
      'both to be in mode managed',
      hosts,
    );

    return {
      lines: hosts.map(({ name, mode }) => `${name}: connected, mode ${mode} (from its own settings)`),
      facts: { hosts: hosts.map(({ name, mode, connected }) => ({ name, mode, connected })) },
    };
  },
};
