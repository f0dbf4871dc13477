// What attacker tests share: a repository with documents, and the refusal they expect. For tests only.
import { expect } from 'vitest';
import { decodeMetadata, type RootSigned, type TargetsSigned } from '../metadata.ts';
import type { AcceptedPolicy } from '../trusted-set.ts';
import { forgedRole, signedFile } from './forge.ts';
import { approvalSample, patchPolicySample, windowSample } from './sample-documents.ts';
import { type SampleRepository, sampleRepository } from './sample-repository.ts';

export const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
export const later = (hours: number) => NOW.add({ hours });
export const DOCUMENTS = [windowSample(), patchPolicySample(), approvalSample()];
export const utf8 = (text: string) => new TextEncoder().encode(text);

export function filled(options: { admins?: number; threshold?: number } = {}): SampleRepository {
  const repository = sampleRepository({ now: NOW, ...options });
  repository.change({ put: DOCUMENTS }, NOW);

  return repository;
}

export function refused(
  repository: SampleRepository,
  expected: string,
  { at = later(1), previous = null as AcceptedPolicy | null } = {},
) {
  expect(() => repository.verify(at, previous)).toThrow(expect.objectContaining({ code: expected }));
}

/** Publishes a role whose signed part was changed. */
export function forge(
  repository: SampleRepository,
  role: string,
  change: (signed: TargetsSigned) => Partial<TargetsSigned>,
) {
  repository.publish({ metadata: [forgedRole(repository, role, change)], targets: [] }, later(1));
}

export function replaceRoot(repository: SampleRepository, change: (root: RootSigned) => Partial<RootSigned>) {
  const before = decodeMetadata('root', '1.root.json', repository.root).signed;
  const file = signedFile('root', { ...before, version: 2, ...change(before) }, repository.admins);
  repository.contents.set(file.name, file.bytes);
}
