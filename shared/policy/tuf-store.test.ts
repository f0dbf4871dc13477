// What we use of tuf-js past its front door, so that an upgrade that changes it fails here first.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { describe, expect, it } from 'vitest';
import { decodeMetadata, signMetadata } from './metadata.ts';
import { sampleRepository } from './testing/sample-repository.ts';
import { openTufStore } from './tuf-store.ts';

const PAST = Temporal.Instant.from('2001-01-01T00:00:00Z');

describe('when tuf-js is loaded past its front door', () => {
  it('is the version that was pinned and read', () => {
    const require = createRequire(import.meta.url);
    const versions = ['tuf-js', '@tufjs/models'].map((name) => {
      const file = require.resolve(`${name}/package.json`);

      return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    });

    expect(versions).toEqual(['6.0.2', '5.0.2']);
  });

  it('holds a reference time of its own and checks nothing against it before it is set', () => {
    const repository = sampleRepository({ now: PAST });
    const store = new TrustedMetadataStore(Buffer.from(repository.root));

    // The root expired in 2002: the constructor does not mind, the next call does.
    expect(Reflect.get(store, 'referenceTime')).toBeInstanceOf(Date);
    expect(() => store.updateTimestamp(Buffer.from(repository.contents.get('timestamp.json') ?? ''))).toThrow(
      'expired',
    );
  });

  it('judges by the time we set, whatever the clock says', () => {
    const repository = sampleRepository({ now: PAST });
    const timestamp = repository.contents.get('timestamp.json') ?? new Uint8Array();
    const lastSecond = PAST.add({ hours: 24 }).subtract({ seconds: 1 });

    expect(openTufStore(repository.root, lastSecond).timestamp(timestamp)).toBe('new');
    expect(() => openTufStore(repository.root, PAST.add({ hours: 24 })).timestamp(timestamp)).toThrow(
      expect.objectContaining({ code: 'POLICY_EXPIRED', cause: expect.any(Error) }),
    );
  });

  it('verifies what we sign: both canonical forms are the same', () => {
    const repository = sampleRepository({ now: PAST });
    const { signed } = decodeMetadata('root', '1.root.json', repository.root);
    const next = signMetadata({ ...signed, version: 2 }, repository.admins);

    expect(() => openTufStore(repository.root, PAST).root(next)).not.toThrow();
    const altered = new TextEncoder().encode(new TextDecoder().decode(next).replace('"version":2', '"version":3'));
    expect(() => openTufStore(repository.root, PAST).root(altered)).toThrow(
      expect.objectContaining({ code: 'POLICY_SIGNATURES' }),
    );
  });
});
