// A host is moved into a policy by its own settings or by an admin's signature, and by nothing that a collector can say: the
// thief of a collector holds its online keys, its database and the connection, and never a key of an admin.
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import type { HostGroupDocument, PatchPolicyDocument } from '@selvage/shared/policy/documents.ts';
import { pathOf } from '@selvage/shared/policy/documents.ts';
import { forgedRole } from '@selvage/shared/policy/testing/forge.ts';
import { approvalSample, hostGroupSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { explainPlan } from './explain.ts';
import { runOnce } from './runner.ts';
import { type Bench, bench, IN_WINDOW, OPENSSL, policyWith } from './testing/bench.ts';

const GOLD = { ...(policyWith({}) as PatchPolicyDocument), select: 'tier=gold and os=debian-12' };
const documents = (select: PatchPolicyDocument['select'] = GOLD.select) => [
  windowSample(),
  { ...GOLD, select },
  approvalSample({ packages: [OPENSSL] }),
];
const group = (over: Partial<HostGroupDocument> = {}) => hostGroupSample({ labels: { tier: ['gold'] }, ...over });
const inWindow = (made: Bench) => {
  made.clock.setWall(IN_WINDOW);

  return made;
};

describe('when a policy selects by a label', () => {
  it("the host's own settings move it in", async () => {
    const { deps, installer } = inWindow(bench(documents()));
    await runOnce(deps({ labels: { tier: ['gold'] } }));

    expect(installer.acts).toHaveLength(1);
  });

  it.each([
    ['by its name', group({ hosts: ['web-1', 'db-1'] })],
    ['by its id', group({ hosts: ['3f0c1e52-0c7b-4a52-9d0e-2b8f0a6f1c11'] })],
    ['by what it says of itself', group({ hosts: undefined, select: 'site=north and os=debian' })],
  ])('a signed group moves it in %s', async (_how, signed) => {
    const { deps, installer } = inWindow(bench([...documents(), signed]));
    const labels = { site: ['north'] };
    await runOnce(deps({ labels }));

    expect(installer.acts).toHaveLength(1);
    expect((await explainPlan(deps({ labels }))).windows?.policies).toEqual(['linux-servers']);
  });

  it('a group that is about others moves nothing', async () => {
    const { deps, installer } = inWindow(bench([...documents(), group({ hosts: ['db-10'] })]));
    await runOnce(deps());

    expect(installer.acts).toEqual([]);
  });

  it('a host that leaves the group leaves the policy with it', async () => {
    const { deps, installer, push, clock } = bench([...documents(), group({ hosts: ['db-1'] })]);
    await runOnce(deps());
    push(group({ hosts: ['web-1'] }));
    clock.setWall(IN_WINDOW);
    await runOnce(deps());

    expect(installer.acts).toEqual([]);
  });

  it('the object of properties sees signed labels as well', async () => {
    const { deps, installer } = inWindow(
      bench([...documents({ labels: { tier: ['gold'] } }), group({ hosts: ['db-1'] })]),
    );
    await runOnce(deps());

    expect(installer.acts).toHaveLength(1);
  });
});

describe('when the collector is stolen', () => {
  /** A group with the host in it, and the role that would list it, signed with every key that a collector has. */
  const forged = ({ repository }: Bench, names: readonly string[]) => {
    const own = group({ hosts: [...names] });
    const bytes = new TextEncoder().encode(JSON.stringify(own));
    const target = { length: bytes.length, hashes: { sha256: sha256(bytes) as Sha256 } };
    const { snapshot, timestamp } = repository.online;
    const role = forgedRole(
      repository,
      'policy',
      ({ targets }) => ({ targets: { ...targets, [pathOf(own)]: target } }),
      [snapshot, timestamp],
    );

    return { metadata: [role], targets: [{ path: pathOf(own), bytes }] };
  };

  it('a group that it signs itself is refused, and the host stays outside', async () => {
    const made = bench(documents());
    await runOnce(made.deps());
    made.repository.publish(forged(made, ['db-1']), made.clock.now());
    made.mirror();
    inWindow(made);

    expect(await runOnce(made.deps())).toEqual([]);
    expect((await explainPlan(made.deps())).problem?.code).toBe('POLICY_SIGNATURES');
    expect(made.installer.acts).toEqual([]);
  });

  it('it cannot leave one group out to move hosts in by a "not"', async () => {
    const made = bench([...documents('not tier=gold'), group({ hosts: ['db-1'] })]);
    await runOnce(made.deps());
    const { repository } = made;
    const { snapshot, timestamp } = repository.online;
    const without = forgedRole(
      repository,
      'policy',
      ({ targets }) => ({
        targets: Object.fromEntries(Object.entries(targets).filter(([path]) => !path.includes('host-groups'))),
      }),
      [snapshot, timestamp],
    );
    repository.publish({ metadata: [without], targets: [] }, made.clock.now());
    made.mirror();
    inWindow(made);
    await runOnce(made.deps());

    expect((await explainPlan(made.deps())).problem?.code).toBe('POLICY_SIGNATURES');
    expect(made.installer.acts).toEqual([]);
  });
});
