// Forged metadata for attacker tests: takes what a repository publishes, changes it and signs it with stolen keys.
import type { SigningKey } from '../keys.ts';
import { decodeMetadata, fileNameOf, type Signed, signMetadata, type TargetsSigned } from '../metadata.ts';
import type { NamedBytes } from '../online.ts';
import type { SampleRepository } from './sample-repository.ts';

/** The newest signed part of a role among the files. */
export function latestRole(repository: SampleRepository, role: string): TargetsSigned {
  const versions = [...repository.contents.keys()].flatMap((name) => {
    const match = /^(\d+)\.([a-z0-9-]+)\.json$/.exec(name);

    return match?.[2] === role ? [Number(match[1])] : [];
  });
  const name = fileNameOf(role, Math.max(...versions));

  return decodeMetadata('targets', name, repository.contents.get(name) ?? new Uint8Array()).signed;
}

/** The next version of a role with a change of the attacker's choice, signed by `signers`. */
export function forgedRole(
  repository: SampleRepository,
  role: string,
  change: (signed: TargetsSigned) => Partial<TargetsSigned>,
  signers: readonly SigningKey[] = repository.admins,
): NamedBytes {
  const before = latestRole(repository, role);
  const signed = { ...before, version: before.version + 1, ...change(before) };

  return signedFile(role, signed, signers);
}

/** Any signed part as a file, also one that the shapes would refuse. */
export function signedFile(role: string, signed: Signed, signers: readonly SigningKey[]): NamedBytes {
  return { name: fileNameOf(role, signed.version), bytes: signMetadata(signed, signers) };
}
