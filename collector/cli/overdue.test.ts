import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { sampleRepository } from '@selvage/shared/policy/testing/sample-repository.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiLab, apiLab } from '../api/testing/api-lab.ts';
import { main } from '../main.ts';
import { AdminFolder } from './admin-folder.ts';

describe('when what admins signed has expired', () => {
  const home = join(temporaryFolder('overdue'), 'home');
  const now = Temporal.Now.instant();
  const repository = sampleRepository({ now: now.subtract({ hours: 24 * 366 }) });
  let lab: ApiLab;
  beforeAll(async () => {
    lab = await apiLab();
    const identity = await lab.admin('ann', 'admin');
    const folder = new AdminFolder(join(home, 'admin'));
    await folder.save({
      config: { name: 'ann', url: `https://127.0.0.1:${lab.port}`, pin: 'sha256:a' },
      ...{ authority: lab.admins.certificate, certificate: identity.cert, privateKey: identity.key },
      root: repository.root,
    });
    const [signing] = repository.admins;
    if (signing) await folder.addSigningKey(signing);
    // What a collector does besides: snapshot and timestamp are always fresh.
    repository.publish({ metadata: [], targets: [] }, now);
    lab.deps.policy.current = async () => ({
      ...lab.policy.current,
      files: [...repository.contents]
        .filter(([name]) => !name.includes('#'))
        .map(([name, bytes]) => ({ name, sha256: sha256(bytes), bytes })),
    });
    lab.deps.policy.push = async (push) => {
      repository.publish(push, Temporal.Now.instant());

      return { timestampVersion: 1 };
    };
  });
  afterAll(() => lab.close());

  it('a push signs every such role anew first, and a host then accepts the policy', async () => {
    const { kind, name, days, start, timezone, for: length } = windowSample();
    const file = join(home, 'window.yaml');
    writeFileSync(file, JSON.stringify({ kind, name, days, start, timezone, for: length }));
    expect(() => repository.verify(now)).toThrow(expect.objectContaining({ code: 'POLICY_EXPIRED' }));
    let stderr = '';
    const exit = await main(['policy', 'push', file], {
      env: { SELVAGE_HOME: home },
      stdout: { write: () => undefined },
      stderr: {
        write: (text) => {
          stderr += text;
        },
      },
    });

    expect([exit, stderr]).toEqual([
      0,
      expect.stringContaining('signing anew what has expired or ends soon: root, targets, policy'),
    ]);
    expect(repository.verify(Temporal.Now.instant()).documents.map(({ document }) => document.name)).toEqual([name]);
  });
});
