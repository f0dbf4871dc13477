// A change of policy on its way to be signed: what it would do to the policy in force, refused where it leads nowhere, then signed here
// with the admin's own key.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';
import { brokenReferences } from '@selvage/shared/policy/references.ts';
import { changeDocuments } from '@selvage/shared/policy/sign.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import { allHosts } from './all-hosts.ts';
import { type Cli, openSession, type Session } from './cli.ts';
import { currentOrOverdue } from './current-policy.ts';
import { diffOf, type PolicyDiff, resultOf } from './policy-diff.ts';
import { readPolicyFiles } from './policy-files.ts';
import { type PolicyReport, reportOf } from './policy-page.ts';
import { type HandedIn, handIn, signerOf } from './push.ts';

export interface Change {
  readonly session: Session;
  readonly current: TrustedPolicy;
  readonly diff: PolicyDiff;
  readonly report: PolicyReport;
}

/** Of YAML files. With `prune`, what is not in them goes. Throws DOCUMENT_INVALID, DOCUMENT_NOT_SUPPORTED, DOCUMENT_REFERENCE. */
export async function changeOfFiles(
  cli: Cli,
  files: readonly string[],
  options: { readonly prune?: boolean },
): Promise<Change> {
  // Files first: what is wrong with them is said without a collector.
  const wanted = await readPolicyFiles(files);

  return changeOf(cli, await openSession(cli), (documents) =>
    diffOf(documents, wanted, { prune: options.prune === true }),
  );
}

/** Of documents that are known. Throws DOCUMENT_REFERENCE with every name that leads nowhere, before anything is signed. */
export async function changeOf(
  cli: Cli,
  session: Session,
  diffFrom: (documents: readonly PolicyDocument[]) => PolicyDiff,
): Promise<Change> {
  const { policy: current } = await currentOrOverdue(cli, session);

  return changeOn(cli, session, current, diffFrom);
}

/** The same on top of what was verified already. */
export async function changeOn(
  cli: Cli,
  session: Session,
  current: TrustedPolicy,
  diffFrom: (documents: readonly PolicyDocument[]) => PolicyDiff,
): Promise<Change> {
  const documents = current.documents.map(({ document }) => document);
  const diff = diffFrom(documents);
  refuseBrokenReferences(resultOf(documents, diff), cli.clock.now());
  const known = await allHosts(session.client);

  return { session, current, diff, report: reportOf(cli, documents, diff, known.hosts) };
}

/** `proposal`: the one that is signed by it. */
export async function signChange(
  cli: Cli,
  session: Session,
  change: { readonly current: TrustedPolicy; readonly diff: PolicyDiff; readonly proposal?: number },
): Promise<{ readonly handed: HandedIn; readonly keyId: string }> {
  const { current, diff, proposal } = change;
  const signer = await signerOf(cli, current);
  const signed = changeDocuments({
    current,
    put: [...diff.added, ...diff.changed.map(({ document }) => document)],
    remove: diff.removed.map(pathOf),
    signers: [signer],
    now: cli.clock.now(),
  });

  return { handed: await handIn(cli, session, current, signed, proposal), keyId: signer.keyId };
}

function refuseBrokenReferences(documents: readonly PolicyDocument[], now: Temporal.Instant): void {
  const errors = brokenReferences(documents, now);
  const [first] = errors;
  if (!first) return;

  throw new CodedError('DOCUMENT_REFERENCE', `${first.path}: ${first.message}`, {
    details: errors.length > 1 ? { errors } : {},
  });
}
