import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { MAX_ROOT_STEPS } from '@selvage/shared/policy/limits.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import type { PolicyRequest } from './policy-desk.ts';
import { openPolicyMirror } from './policy-mirror.ts';

const root = temporaryFolder('mirror');
const bytesOf = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value)));
const never = new AbortController().signal;
let folders = 0;

interface Served {
  readonly version: number;
  readonly roles: Readonly<Record<string, { version: number; targets: Readonly<Record<string, unknown>> }>>;
  readonly roots?: number;
}

/** The files of a repository that a collector would serve; `targets` are documents by path. */
function repository({ version, roles, roots = 1 }: Served): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const meta: Record<string, unknown> = {};

  for (const [role, { version: roleVersion, targets }] of Object.entries(roles)) {
    const named: Record<string, unknown> = {};
    for (const [path, document] of Object.entries(targets)) {
      const content = bytesOf(document);
      files.set(`${path} ${sha256(content)}`, content);
      named[path] = { length: content.length, hashes: { sha256: sha256(content) } };
    }
    const bytes = bytesOf({ signatures: [], signed: { _type: 'targets', version: roleVersion, targets: named } });
    files.set(`${roleVersion}.${role}.json`, bytes);
    meta[`${role}.json`] = { version: roleVersion, length: bytes.length, hashes: { sha256: sha256(bytes) } };
  }
  const snapshot = bytesOf({ signatures: [], signed: { _type: 'snapshot', version, meta } });
  files.set(`${version}.snapshot.json`, snapshot);
  const named = { version, length: snapshot.length, hashes: { sha256: sha256(snapshot) } };
  files.set(
    'timestamp.json',
    bytesOf({ signatures: [], signed: { _type: 'timestamp', version, meta: { 'snapshot.json': named } } }),
  );
  for (let number = 1; number <= roots; number++)
    files.set(`${number}.root.json`, bytesOf({ signed: { version: number } }));

  return files;
}

const first: Served = {
  version: 100,
  roles: {
    targets: { version: 1, targets: {} },
    policy: { version: 3, targets: { 'policy/windows/night.json': { a: 1 }, 'policy/windows/day.json': { b: 1 } } },
    'approvals-2026-11': { version: 7, targets: { 'approvals/2026-11/openssl.json': { c: 1 } } },
  },
};
const second: Served = {
  version: 200,
  roots: 2,
  roles: {
    ...first.roles,
    policy: { version: 4, targets: { 'policy/windows/night.json': { a: 2 }, 'policy/windows/day.json': { b: 1 } } },
  },
};

function serve(files: Map<string, Uint8Array>) {
  const asked: string[] = [];
  const request: PolicyRequest = async (name, hash) => {
    asked.push(name);

    return files.get(hash === undefined ? name : `${name} ${hash}`) ?? null;
  };

  return { asked, request };
}

async function open() {
  const dir = join(root, String(folders++));
  const wake = join(root, `${folders}.wake`);
  const mirror = await openPolicyMirror({ dir, wake, log: silentLog });

  return { dir, wake, mirror };
}

/** Everything the runner would read, by path. */
const tree = (dir: string) =>
  Object.fromEntries(
    ['metadata', 'targets'].flatMap((folder) =>
      readdirSync(join(dir, folder)).map((name) => [
        `${folder}/${name}`,
        readFileSync(join(dir, folder, name), 'utf8'),
      ]),
    ),
  );

describe('when there is policy', () => {
  it('what is for the collector alone is not asked for', async () => {
    const { dir, mirror } = await open();
    const path = 'policy/collector-risk-acceptances/ssh.json';
    const policy = { version: 3, targets: { 'policy/windows/night.json': { a: 1 }, [path]: { secret: 1 } } };
    const served = serve(repository({ ...first, roles: { ...first.roles, policy } }));

    expect(await mirror.sync(served.request, never)).toEqual({ timestampVersion: 100 });
    expect(served.asked).toContain('policy/windows/night.json');
    expect(served.asked).not.toContain(path);
    expect(JSON.parse(readFileSync(join(dir, 'done.json'), 'utf8')).files.join()).not.toContain('ssh.json');
  });

  it('the copy holds every file under the name that the runner looks for, done.json is there and wake is touched', async () => {
    const { dir, wake, mirror } = await open();
    const files = repository(first);

    expect(await mirror.sync(serve(files).request, never)).toEqual({ timestampVersion: 100 });
    expect(Object.keys(tree(dir)).toSorted()).toEqual(
      [
        'metadata/1.root.json',
        'metadata/1.targets.json',
        'metadata/100.snapshot.json',
        'metadata/3.policy.json',
        'metadata/7.approvals-2026-11.json',
        'metadata/timestamp.json',
        `targets/${sha256(bytesOf({ a: 1 }))}.night.json`,
        `targets/${sha256(bytesOf({ b: 1 }))}.day.json`,
        `targets/${sha256(bytesOf({ c: 1 }))}.openssl.json`,
      ].toSorted(),
    );
    expect(JSON.parse(readFileSync(join(dir, 'done.json'), 'utf8')).timestampVersion).toBe(100);
    expect(readFileSync(wake, 'utf8')).toBe('100\n');
    expect(existsSync(join(dir, 'incoming'))).toBe(false);
  });

  it('nothing newer costs two requests, the second for a root that came alone, and wakes nobody', async () => {
    const { wake, mirror } = await open();
    const served = serve(repository(first));
    await mirror.sync(served.request, never);
    rmSync(wake);
    served.asked.length = 0;

    expect(await mirror.sync(served.request, never)).toBeNull();
    expect(served.asked).toEqual(['timestamp.json', '2.root.json']);
    expect(existsSync(wake)).toBe(false);
  });

  it('of newer policy only what changed is asked for', async () => {
    const { dir, mirror } = await open();
    await mirror.sync(serve(repository(first)).request, never);
    const served = serve(repository(second));
    await mirror.sync(served.request, never);

    expect(served.asked).toEqual([
      'timestamp.json',
      '1.root.json',
      '2.root.json',
      '3.root.json',
      '200.snapshot.json',
      '4.policy.json',
      'policy/windows/night.json',
    ]);
    expect(Object.keys(tree(dir))).toContain(`targets/${sha256(bytesOf({ a: 2 }))}.night.json`);
  });

  it('the files of the copy before stay for one more turn, then they go', async () => {
    const { dir, mirror } = await open();
    await mirror.sync(serve(repository(first)).request, never);
    await mirror.sync(serve(repository(second)).request, never);
    expect(Object.keys(tree(dir))).toContain('metadata/100.snapshot.json');

    await mirror.sync(serve(repository({ ...second, version: 300 })).request, never);
    const left = Object.keys(tree(dir));
    expect(left).not.toContain('metadata/100.snapshot.json');
    expect(left).not.toContain(`targets/${sha256(bytesOf({ a: 1 }))}.night.json`);
    expect(left).toContain('metadata/1.root.json');
  });

  it('none yet is no error', async () => {
    const { wake, mirror } = await open();

    expect(await mirror.sync(serve(new Map()).request, never)).toBeNull();
    expect(existsSync(wake)).toBe(false);
  });
});

describe('when it was interrupted', () => {
  it('with files in incoming/ and no done.json, it begins again and gets the whole copy', async () => {
    const { dir, mirror } = await open();
    const files = repository(first);
    let left = 4;
    const cut: PolicyRequest = async (name, hash) => {
      if (left-- === 0) throw new Error('connection lost');

      return serve(files).request(name, hash);
    };
    await expect(mirror.sync(cut, never)).rejects.toThrow('connection lost');
    expect(tree(dir)).toEqual({});

    expect(await mirror.sync(serve(files).request, never)).toEqual({ timestampVersion: 100 });
  });

  it.each(['metadata/3.policy.json', 'metadata/timestamp.json', 'done.json'])(
    'and %s is gone, it is brought again',
    async (path) => {
      const { dir, mirror } = await open();
      const files = repository(first);
      await mirror.sync(serve(files).request, never);
      const whole = tree(dir);
      rmSync(join(dir, path));

      expect(await mirror.sync(serve(files).request, never)).toEqual({ timestampVersion: 100 });
      expect(tree(dir)).toEqual(whole);
    },
  );

  it('and a file here is not what the metadata names, it is brought again', async () => {
    const { dir, mirror } = await open();
    await mirror.sync(serve(repository(first)).request, never);
    writeFileSync(join(dir, 'metadata/7.approvals-2026-11.json'), '{"changed": true}');
    const files = repository({ ...first, version: 101 });
    await mirror.sync(serve(files).request, never);

    expect(readFileSync(join(dir, 'metadata/7.approvals-2026-11.json'))).toEqual(
      Buffer.from(files.get('7.approvals-2026-11.json') ?? []),
    );
  });
});

describe('when the collector is hostile', () => {
  const edit =
    (name: string, change: (value: { signed: Record<string, never> }) => void) => (files: Map<string, Uint8Array>) => {
      const value = JSON.parse(Buffer.from(files.get(name) ?? []).toString());
      change(value);
      files.set(name, bytesOf(value));
    };
  /** Changes a file and makes everything above it name the changed one, as a collector with its own keys could. */
  const rename = (from: string, to: string) => (files: Map<string, Uint8Array>) => {
    for (const [key, content] of [...files]) files.set(key.replaceAll(from, to), content);
    const role = Buffer.from(files.get('4.policy.json') ?? [])
      .toString()
      .replaceAll(from, to);
    const roleBytes = new Uint8Array(Buffer.from(role));
    files.set('4.policy.json', roleBytes);
    edit('200.snapshot.json', (v) => Object.assign(v.signed, { meta: { 'policy.json': { version: 4 } } }))(files);
    edit('timestamp.json', (v) => Object.assign(v.signed, { meta: { 'snapshot.json': { version: 200 } } }))(files);
  };

  it.each<readonly [string, (files: Map<string, Uint8Array>) => void]>([
    [
      'a document with another hash',
      (f) => f.set(`policy/windows/night.json ${sha256(bytesOf({ a: 2 }))}`, bytesOf({ a: 3 })),
    ],
    [
      'a document that is longer than named',
      (f) => f.set(`policy/windows/night.json ${sha256(bytesOf({ a: 2 }))}`, new Uint8Array(9000)),
    ],
    ['a document that is missing', (f) => f.delete(`policy/windows/night.json ${sha256(bytesOf({ a: 2 }))}`)],
    ['a role that is missing', (f) => f.delete('4.policy.json')],
    [
      'a role that is not the one named',
      (f) => f.set('4.policy.json', bytesOf({ signed: { version: 4, targets: {} } })),
    ],
    ['a snapshot of another version', edit('200.snapshot.json', (v) => Object.assign(v.signed, { version: 201 }))],
    ['a timestamp that is no JSON', (f) => f.set('timestamp.json', new Uint8Array([123]))],
    ['a timestamp 100,000 deep', (f) => f.set('timestamp.json', new Uint8Array(100_000).fill(91))],
    ['a timestamp without a snapshot', edit('timestamp.json', (v) => Object.assign(v.signed, { meta: {} }))],
    ['a version that is no number', edit('timestamp.json', (v) => Object.assign(v.signed, { version: '9e99' }))],
    ['a document path that leads upwards', rename('policy/windows/night.json', '../../../etc/cron.d/night')],
    ['an absolute document path', rename('policy/windows/night.json', '/etc/cron.d/night.json')],
    ['a hash with a path in it', rename(sha256(bytesOf({ a: 2 })), '../../x')],
    [
      'a role with a path in its name',
      (f) => {
        f.set('4.../policy.json', f.get('4.policy.json') ?? new Uint8Array(0));
        edit('200.snapshot.json', (v) => Object.assign(v.signed, { meta: { '../policy.json': { version: 4 } } }))(f);
        edit('timestamp.json', (v) => Object.assign(v.signed, { meta: { 'snapshot.json': { version: 200 } } }))(f);
      },
    ],
    [
      'more roles than there are',
      (f) => {
        const meta = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`r${i}.json`, { version: 1 }]));
        edit('200.snapshot.json', (v) => Object.assign(v.signed, { meta }))(f);
        edit('timestamp.json', (v) => Object.assign(v.signed, { meta: { 'snapshot.json': { version: 200 } } }))(f);
      },
    ],
  ])('%s is POLICY_INVALID and the copy stays as it was', async (_what, harm) => {
    const { dir, wake, mirror } = await open();
    await mirror.sync(serve(repository(first)).request, never);
    const before = tree(dir);
    rmSync(wake);
    const files = repository(second);
    harm(files);

    await expect(mirror.sync(serve(files).request, never)).rejects.toMatchObject({ code: 'POLICY_INVALID' });
    expect(tree(dir)).toEqual(before);
    expect(existsSync(wake)).toBe(false);
    expect(existsSync(join(dir, 'incoming'))).toBe(false);
    // And the true one is taken afterwards.
    expect(await mirror.sync(serve(repository(second)).request, never)).toEqual({ timestampVersion: 200 });
  });

  it('an older timestamp is copied like any other: only the runner knows what was signed, and refuses it', async () => {
    const { dir, mirror } = await open();
    await mirror.sync(serve(repository(second)).request, never);

    expect(await mirror.sync(serve(repository(first)).request, never)).toEqual({ timestampVersion: 100 });
    expect(tree(dir)['metadata/timestamp.json']).toBe(
      Buffer.from(repository(first).get('timestamp.json') ?? []).toString(),
    );
  });

  it('what it made up (a version of the far future, roots that nobody signed) is gone once it is honest again', async () => {
    const { dir, wake, mirror } = await open();
    await mirror.sync(serve(repository(first)).request, never);
    const poisoned = repository({ ...first, version: Number.MAX_SAFE_INTEGER });
    poisoned.set('2.root.json', bytesOf({ signed: { version: 2 }, made: 'up' }));
    poisoned.set('3.root.json', bytesOf({ signed: { version: 3 }, made: 'up' }));
    await mirror.sync(serve(poisoned).request, never);
    rmSync(wake);

    expect(await mirror.sync(serve(repository(second)).request, never)).toEqual({ timestampVersion: 200 });
    const kept = tree(dir);
    expect(kept['metadata/2.root.json']).toBe(JSON.stringify({ signed: { version: 2 } }));
    expect(Object.keys(kept)).not.toContain('metadata/3.root.json');
    expect(existsSync(wake)).toBe(true);
  });

  it('the same version with other bytes is copied anew', async () => {
    const { dir, mirror } = await open();
    const other = edit('timestamp.json', (value) => Object.assign(value.signed, { expires: 'never' }));
    const files = repository(first);
    other(files);
    await mirror.sync(serve(files).request, never);

    expect(await mirror.sync(serve(repository(first)).request, never)).toEqual({ timestampVersion: 100 });
    expect(tree(dir)['metadata/timestamp.json']).not.toContain('never');
  });

  it('roots without end are followed a bounded way', async () => {
    const { mirror } = await open();
    const served = serve(repository(first));
    const endless: PolicyRequest = async (name, hash) =>
      name.endsWith('.root.json') ? bytesOf({ name }) : served.request(name, hash);
    let asked = 0;
    await mirror.sync(async (name, hash) => {
      if (name.endsWith('.root.json')) asked += 1;

      return endless(name, hash);
    }, never);

    expect(asked).toBe(MAX_ROOT_STEPS);
  });

  it('more bytes than a copy may have are refused on the way', async () => {
    const { dir, mirror } = await open();
    const content = (number: number) => new Uint8Array(500_000).fill(number);
    const targets = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [
        `policy/x/${i}.json`,
        { length: 500_000, hashes: { sha256: sha256(content(i)) } },
      ]),
    );
    const files = repository({ version: 1, roles: {} });
    files.set('4.policy.json', bytesOf({ signed: { version: 4, targets } }));
    files.set('1.snapshot.json', bytesOf({ signed: { version: 1, meta: { 'policy.json': { version: 4 } } } }));
    files.set('timestamp.json', bytesOf({ signed: { version: 1, meta: { 'snapshot.json': { version: 1 } } } }));
    let served = 0;
    const request: PolicyRequest = async (name, hash?: Sha256) => {
      if (hash === undefined) return files.get(name) ?? null;
      served += 1;

      return content(Number(name.split('/').at(-1)?.replace('.json', '')));
    };

    await expect(mirror.sync(request, never)).rejects.toMatchObject({ code: 'POLICY_INVALID' });
    expect(served).toBeLessThan(40);
    expect(tree(dir)).toEqual({});
  });

  it('stopping in the middle leaves the copy as it was', async () => {
    const { dir, mirror } = await open();
    const stop = new AbortController();
    const served = serve(repository(first));
    const request: PolicyRequest = async (name, hash) => {
      if (name === '3.policy.json') stop.abort();

      return served.request(name, hash);
    };

    await expect(mirror.sync(request, stop.signal)).rejects.toThrow();
    expect(tree(dir)).toEqual({});
  });
});
