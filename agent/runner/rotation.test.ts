// Keys replaced while a host is away, and a stolen collector that does what it can with that: the real mirror, the real trusted
// set and the real pass of the runner over the files in between.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import { renewRoles } from '@selvage/shared/policy/sign.ts';
import { forgedRole } from '@selvage/shared/policy/testing/forge.ts';
import { approvalSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from '@selvage/shared/policy/testing/sample-repository.ts';
import { describe, expect, it } from 'vitest';
import type { PolicyRequest } from '../connector/policy-desk.ts';
import { openPolicyMirror } from '../connector/policy-mirror.ts';
import { runOnce } from './runner.ts';
import { bench, defaultDocuments, OPENSSL, policyWith } from './testing/bench.ts';
import { readTrustReport } from './trust-facts.ts';

type Contents = ReadonlyMap<string, Uint8Array>;

const ROLES = ['root', 'targets', 'policy', 'approvals', 'urgent', 'lifts'];

/** What a collector answers with these files; `lies` is asked first and may answer anything. */
function serving(contents: Contents, lies: (name: string) => Uint8Array | null | undefined = () => undefined) {
  const request: PolicyRequest = async (name, hash) => {
    const lie = lies(name);
    if (lie !== undefined) return lie;

    return contents.get(hash === undefined ? name : `${name}#${hash}`) ?? null;
  };

  return request;
}

async function host(documents = defaultDocuments()) {
  const world = bench(documents);
  const dir = join(world.stateDir, 'policy');
  const mirror = await openPolicyMirror({ dir, wake: join(dir, 'wake'), log: silentLog });
  const told = async () => {
    const report = await readTrustReport(join(world.runner, 'next.json'));

    return { problem: report?.problem?.code ?? null, root: report?.trust?.versions.root, ...report?.trust };
  };

  return {
    ...world,
    told,
    /** One look of the connector and one pass of the runner. What the mirror refuses ends there. */
    look: async (request: PolicyRequest = serving(world.repository.contents)) => {
      await mirror.sync(request, new AbortController().signal).catch(() => null);
      const results = await runOnce(world.deps());

      return { ...(await told()), results };
    },
  };
}

/** What months do: admins renew what ends, the collector refreshes. */
function renewed(repository: SampleRepository, now: Temporal.Instant): void {
  repository.publish({ metadata: [], targets: [] }, now);
  const current = repository.verify(now);
  repository.publish(renewRoles({ current, roles: ROLES, signers: repository.admins, now }), now);
}

/** Three keys of the admin and one pair of the collector are replaced, months apart; ends at the time of the last. */
function threeRotations(repository: SampleRepository, start: Temporal.Instant): Temporal.Instant {
  let now = start;
  for (const what of ['admin', 'online', 'admin', 'admin']) {
    now = now.add({ hours: 24 * 100 });
    renewed(repository, now);
    if (what === 'admin') repository.rotateAdmin(now);
    else repository.rotateOnline(now);
  }
  repository.change({ put: [windowSample({ name: 'after-all' })] }, now);

  return now;
}

describe('when a host was off while keys were replaced', () => {
  it('it follows every root in one step, a year and more later', async () => {
    const { clock, repository, look, runner } = await host();
    expect(await look()).toMatchObject({ problem: null, root: 1 });
    const now = threeRotations(repository, clock.now());
    clock.setWall(now.toString());
    const after = await look();

    expect(after.problem).toBeNull();
    // Four rotations, and four renewals of the root in between.
    expect(after.root).toBe(9);
    const accepted = repository.verify(now).versions;
    expect(after.versions).toEqual(accepted);
    expect(existsSync(join(runner, 'accepted/root.json'))).toBe(true);
  });

  it('a new host follows the same chain from the first root', async () => {
    const { clock, repository, look, runner } = await host();
    const now = threeRotations(repository, clock.now());
    clock.setWall(now.toString());
    expect(existsSync(join(runner, 'accepted/policy.json'))).toBe(false);

    expect(await look()).toMatchObject({ problem: null, root: 9 });
  });

  it('one root in the middle that is withheld stops it where it was, and it goes on with what it had', async () => {
    const { clock, repository, look } = await host();
    const before = await look();
    const now = threeRotations(repository, clock.now());
    clock.setWall(now.toString());
    for (const missing of [2, 5, 9]) {
      const name = `${missing}.root.json`;
      const after = await look(serving(repository.contents, (asked) => (asked === name ? null : undefined)));

      expect([missing, after.problem]).toEqual([missing, expect.stringMatching(/^POLICY_(SIGNATURES|EXPIRED)$/)]);
      expect(after.versions).toEqual(before.versions);
    }

    expect(await look()).toMatchObject({ problem: null, root: 9 });
  });
});

describe('when a stolen collector answers after a rotation', () => {
  const rotated = async () => {
    const world = await host();
    const { repository, clock, look } = world;
    await look();
    const old = repository.copy();
    clock.setWall('2026-11-23T13:00:00Z');
    const admin = repository.rotateAdmin(clock.now());
    const online = repository.rotateOnline(clock.now());
    const good = await look();
    expect(good).toMatchObject({ problem: null, root: 3 });

    return { ...world, old, stolen: { admin, online }, good };
  };
  /** Refused with one of the codes, nothing lost, and well again with the next honest answer. */
  const survives = async (world: Awaited<ReturnType<typeof rotated>>, request: PolicyRequest) => {
    const { look, good, repository, clock } = world;
    const attacked = await look(request);
    expect(attacked.problem).toMatch(/^POLICY_(ROLLED_BACK|SIGNATURES|INVALID)$/);
    expect(attacked.versions).toEqual(good.versions);
    repository.publish({ metadata: [], targets: [] }, clock.now().add({ minutes: 1 }));

    expect(await look()).toMatchObject({ problem: null, root: 3 });
  };

  it('everything as it was before the rotation is refused', async () => {
    const world = await rotated();

    await survives(world, serving(world.old));
  });

  it('the new roots with the metadata of before are refused', async () => {
    const world = await rotated();
    const { old, repository } = world;
    const mixed = new Map([...repository.contents, ...[...old].filter(([name]) => !name.endsWith('.root.json'))]);

    await survives(world, serving(mixed));
  });

  it('the old roots with newer metadata that the stolen keys signed are refused', async () => {
    const world = await rotated();
    const { old, stolen, clock } = world;
    // The thief has the admin's replaced key, too, and builds on the world of before.
    const theirs = sampleRepository({ now: clock.now() });
    const files = new Map(old);
    const forged = forgedRole({ ...theirs, contents: files }, 'policy', () => ({}), [stolen.admin]);
    files.set(forged.name, forged.bytes);

    await survives(world, serving(files));
  });

  it('roots without end are refused', async () => {
    const world = await rotated();
    const { repository } = world;
    const last = repository.contents.get('3.root.json');
    repository.publish({ metadata: [], targets: [] }, world.clock.now().add({ seconds: 30 }));

    await survives(
      world,
      serving(repository.contents, (name) =>
        name.endsWith('.root.json') && !repository.contents.has(name) ? last : undefined,
      ),
    );
  });

  it('the policy of another collector is refused', async () => {
    const world = await rotated();
    const foreign = sampleRepository({ now: world.clock.now() });
    foreign.change({ put: defaultDocuments() }, world.clock.now().add({ hours: 1 }));

    await survives(world, serving(foreign.contents));
  });
});

describe('when a root comes alone', () => {
  it('it is kept at once: what the replaced key signs later is refused also by a host that accepted nothing since', async () => {
    const { repository, clock, look, runner } = await host();
    const { versions } = await look();
    const before = repository.copy();
    clock.setWall('2026-11-23T13:00:00Z');
    const stolen = repository.rotateAdmin(clock.now());
    // The new root arrives, and the rest of what came with it is not what was signed.
    const broken = await look(
      serving(repository.contents, (name) => (name.endsWith('.root.json') ? undefined : before.get(name))),
    );
    expect(broken).toMatchObject({ problem: 'POLICY_SIGNATURES', versions });
    expect(readFileSync(join(runner, 'accepted/root.json'))).toEqual(
      Buffer.from(repository.contents.get('2.root.json') ?? []),
    );

    repository.restore(before);
    clock.setWall('2026-11-23T14:00:00Z');
    const forged = forgedRole(repository, 'policy', () => ({}), [stolen]);
    repository.publish({ metadata: [forged], targets: [] }, clock.now());
    // Verified on its own that repository is faultless: only the root that was seen speaks against it.
    expect(repository.verify(clock.now()).versions.policy).toBe((versions?.policy ?? 0) + 1);

    expect(await look()).toMatchObject({ problem: 'POLICY_SIGNATURES', versions });
  });
});

describe('when the root has expired', () => {
  /** A Monday, a day before everything that was signed at the beginning ends. */
  const LAST_DAY = '2027-11-22T12:00:00Z';
  const NEXT_NIGHT = '2027-11-24T01:30:00Z';
  const approval = approvalSample({
    packages: [OPENSSL],
    approvedAt: '2027-11-22T10:00:00Z',
    expires: '2028-02-20T10:00:00Z',
  });
  const accepted = async () => {
    const world = await host([windowSample(), policyWith({})]);
    world.clock.setWall(LAST_DAY);
    world.repository.publish({ metadata: [], targets: [] }, world.clock.now());
    world.push(approval);
    expect(await world.look()).toMatchObject({ problem: null });

    return world;
  };

  it('nothing newer is accepted, what was accepted is installed, and the host says what ended', async () => {
    const { clock, repository, look, installer } = await accepted();
    clock.setWall(NEXT_NIGHT);
    repository.publish({ metadata: [], targets: [] }, clock.now());
    const after = await look();

    expect(after.problem).toBe('POLICY_EXPIRED');
    expect(after.results.map(({ outcome }) => outcome)).toEqual(['installed']);
    expect(installer.acts).toHaveLength(1);
    expect(after.ends?.root).toBe('2027-11-23T12:00:00Z');
  });

  it('what was accepted is usable until its actUntil and no longer; a renewed root ends the standstill', async () => {
    const { clock, repository, look, installer } = await accepted();
    clock.setWall('2027-12-01T01:30:00Z');
    repository.publish({ metadata: [], targets: [] }, clock.now());
    const late = await look();
    expect(late.problem).toBe('POLICY_EXPIRED');
    expect(late.results.map(({ problem }) => problem?.code)).toEqual(['ACT_UNTIL_PASSED']);
    expect(installer.acts).toEqual([]);

    // Admins sign from what was verified while it was valid, as `selvage policy renew` does.
    const current = repository.verify(Temporal.Instant.from(LAST_DAY).add({ hours: 23 }));
    const now = clock.now();
    repository.publish(renewRoles({ current, roles: ROLES, signers: repository.admins, now }), now);
    const after = await look();
    expect([after.problem, after.root]).toEqual([null, 2]);
    expect(after.results.map(({ outcome }) => outcome)).toEqual(['installed']);
  });
});
