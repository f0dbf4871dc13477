import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurable } from '@selvage/shared/files/durable.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Authority } from '@selvage/shared/pki/authority.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { verifyEndorsement } from '@selvage/shared/pki/endorsement.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { collectorFilesIn, writePair } from '../home.ts';
import { hostsShelf } from '../hosts-shelf.ts';
import { makeAuthority } from './authorities.ts';
import { type AuthorityShelf, type HostsAuthorities, openHostsAuthorities } from './hosts-authorities.ts';

const AT = '2026-03-01T12:00:00Z' as Timestamp;
const folder = temporaryFolder('authorities');
const [old, next, other] = [1, 2, 3].map(() =>
  makeAuthority('hosts', { now: Temporal.Now.instant(), random: systemRandom }),
) as [Authority, Authority, Authority];
const print = ({ certificate }: Pick<Authority, 'certificate'>) => fingerprint(certificate);
let homes = 0;

async function home() {
  const files = collectorFilesIn(join(folder, `${++homes}`));
  mkdirSync(files.folder);
  await writePair(files.hostsAuthority, old);

  return files;
}

/** The real files, with a disk that fails at the n-th write; each of the two files of a pair is one. */
function failing(files: Awaited<ReturnType<typeof home>>, atWrite: number): AuthorityShelf {
  const real = hostsShelf(files);
  let writes = 0;
  const fail = () => {
    writes += 1;
    if (writes === atWrite) throw new Error('the power went');
  };

  return {
    ...real,
    writeRotation: async (rotation) => {
      fail();
      await real.writeRotation(rotation);
    },
    removeRotation: async () => {
      fail();
      await real.removeRotation();
    },
    writePresent: async (authority) => {
      fail();
      // Half of a pair: the key of the next authority beside the certificate of the old one.
      await writePair(files.hostsAuthority, { certificate: old.certificate, privateKey: authority.privateKey });
      fail();
      await real.writePresent(authority);
    },
  };
}

describe('when the authority of hosts is replaced', () => {
  let files: Awaited<ReturnType<typeof home>>;
  let authorities: HostsAuthorities;
  beforeAll(async () => {
    files = await home();
    authorities = await openHostsAuthorities(hostsShelf(files));
  });
  const seen = (of: HostsAuthorities) => ({
    phase: of.phase,
    signs: print(of.issuing),
    newest: print(of.newest),
    trusted: of.trusted.map(fingerprint),
    told: of.endorsed.map(({ certificate }) => fingerprint(certificate)),
  });
  const both = [print(old), print(next)];

  it('goes through its three phases, each of which is there after a restart', async () => {
    const again = () => openHostsAuthorities(hostsShelf(files));
    const steps = [
      { phase: 'single', signs: print(old), newest: print(old), trusted: [print(old)], told: [print(old)] },
      { phase: 'begun', signs: print(old), newest: print(next), trusted: both, told: both },
      { phase: 'switched', signs: print(next), newest: print(next), trusted: both, told: both },
      { phase: 'single', signs: print(next), newest: print(next), trusted: [print(next)], told: [print(next)] },
    ];
    const go = [
      async () => undefined,
      () => authorities.begin(next, AT),
      () => authorities.switchOver(),
      () => authorities.finish(),
    ];
    for (const [index, step] of go.entries()) {
      await step();
      expect(seen(authorities)).toEqual(steps[index]);
      expect(seen(await again())).toEqual(steps[index]);
    }
    expect(readdirSync(files.folder).toSorted()).toEqual(['hosts-authority.crt', 'hosts-authority.key']);
  });

  it('the next one is endorsed by the present one, and by nobody else', async () => {
    const made = await openHostsAuthorities(hostsShelf(await home()));
    await made.begin(next, AT);
    const [, told] = made.endorsed;
    if (!told) throw new Error('the next authority is not named');

    expect(told.endorsedBy).toBe(print(old));
    const { certificate, endorsement } = told;
    expect(verifyEndorsement({ endorser: old.certificate, certificate, endorsement })).toBe(true);
    expect(verifyEndorsement({ endorser: other.certificate, certificate, endorsement })).toBe(false);
    expect(new X509Certificate(certificate).ca).toBe(true);
  });

  it.each([
    ['switch before begin', (of: HostsAuthorities) => of.switchOver(), 'NOT_FOUND'],
    ['finish before begin', (of: HostsAuthorities) => of.finish(), 'NOT_FOUND'],
    [
      'finish before switch',
      async (of: HostsAuthorities) => {
        await of.begin(next, AT);
        await of.finish();
      },
      'NOT_FOUND',
    ],
    [
      'begin twice',
      async (of: HostsAuthorities) => {
        await of.begin(next, AT);
        await of.begin(other, AT);
      },
      'ALREADY_EXISTS',
    ],
  ])('%s is refused', async (_what, step, code) => {
    const made = await openHostsAuthorities(hostsShelf(await home()));

    await expect(step(made)).rejects.toMatchObject({ code });
  });
});

describe('when the power goes between any two writes', () => {
  // begin: 1; switch: 1; finish: the decision, two halves of the pair (counted before each), the removal: 4.
  it.each([1, 2, 3, 4, 5, 6])(
    'write %i: the collector comes up with a whole authority, and can go on to the end',
    async (at) => {
      const files = await home();
      const before = await openHostsAuthorities(failing(files, at));
      const whole = async () => {
        await before.begin(next, AT);
        await before.switchOver();
        await before.finish();
      };
      await expect(whole()).rejects.toThrow('the power went');

      const after = await openHostsAuthorities(hostsShelf(files));
      expect(after.trusted.map(fingerprint)).toContain(print(after.issuing));
      // Decided is decided: once finishing was written, the old one is never trusted again.
      if (at > 3) expect(after.trusted.map(fingerprint)).toEqual([print(next)]);
      if (at <= 3) expect(after.trusted.map(fingerprint)).toContain(print(old));

      if (after.phase === 'single' && print(after.issuing) === print(old)) await after.begin(next, AT);
      if (after.phase === 'begun') await after.switchOver();
      if (after.phase === 'switched') await after.finish();
      const end = await openHostsAuthorities(hostsShelf(files));
      expect([end.phase, ...end.trusted.map(fingerprint)]).toEqual(['single', print(next)]);
    },
  );
});

describe('when somebody changed the files', () => {
  it.each([2, 3, 4])(
    'a disk that failed at write %i of the last step, and works again: the next replacement begins on whole files',
    async (at) => {
      const files = await home();
      const authorities = await openHostsAuthorities(hostsShelf(files));
      await authorities.begin(next, AT);
      await authorities.switchOver();
      const running = await openHostsAuthorities(failing(files, at));
      await expect(running.finish()).rejects.toThrow('the power went');
      expect(print(running.issuing)).toBe(print(next));
      await running.begin(other, AT);

      const again = await openHostsAuthorities(hostsShelf(files));
      expect([again.phase, print(again.issuing), print(again.newest)]).toEqual(['begun', print(next), print(other)]);
    },
  );

  it('a next authority that the present one did not endorse is refused, and nothing is served', async () => {
    const files = await home();
    const shelf = hostsShelf(files);
    await (await openHostsAuthorities(shelf)).begin(next, AT);
    const rotation = await shelf.readRotation();
    if (!rotation) throw new Error('nothing was begun');
    await shelf.writeRotation({ ...rotation, next: other });
    await expect(openHostsAuthorities(shelf)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });

    await shelf.writeRotation({ ...rotation, next: { ...next, privateKey: other.privateKey } });
    await expect(openHostsAuthorities(shelf)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
  });

  it('a file that is no rotation is FILE_CORRUPT', async () => {
    const files = await home();
    const shelf = hostsShelf(files);
    await writeDurable(files.hostsRotation, '{"format":1}');

    await expect(openHostsAuthorities(shelf)).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
  });
});
