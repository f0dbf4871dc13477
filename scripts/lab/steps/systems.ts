// Two systems with really installed packages, and an archive that is signed.
import { INSTALLED, OFFERED } from '../cast.ts';
import { expectSame, expectThat } from '../expectation.ts';
import type { Step } from '../step.ts';

export const systems: Step = {
  name: 'systems',
  title: 'Two sandboxed Debian systems and a signed archive, made with the real dpkg, apt-ftparchive and gpg',
  play: async ({ hosts, repository, run }) => {
    const before = Object.fromEntries(INSTALLED.map(({ name, version }) => [name, version]));
    const offered = OFFERED.map(({ name, version }) => `${name} ${version}`);
    for (const { sandbox } of hosts) {
      expectSame(Object.fromEntries(await sandbox.versions()), before, 'the installed packages');
      expectThat(sandbox.user.uid !== 0, 'packages to be managed by an ordinary user', sandbox.user);
    }

    const suites = repository.suites.map(({ name }) => name);
    for (const suite of suites) {
      const args = ['--keyring', repository.keyring, `${repository.dists(suite)}/InRelease`];
      const { exitCode, stderr } = await run({ file: 'gpgv', args, deadlineMs: 10_000 });
      expectThat(exitCode === 0, `${suite} to be signed by the archive's key`, stderr);
    }

    return {
      lines: [
        `installed on ${hosts.map(({ name }) => name).join(' and ')}: ${INSTALLED.map(({ name, version }) => `${name} ${version}`).join(', ')}`,
        `offered by ${suites.join(', ')}: ${offered.join(', ')}`,
      ],
      facts: { hosts: hosts.map(({ name }) => name), installed: before, offered, user: hosts[0]?.sandbox.user.uid },
    };
  },
};
