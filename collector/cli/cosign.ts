// selvage policy sign, where several must: another signature over the bytes that wait. What they would change is worked out from these
// bytes, on top of the policy that was verified here: the collector is believed in nothing but who has brought which signature.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { pathOf } from '@selvage/shared/policy/documents.ts';
import type { NamedBytes } from '@selvage/shared/policy/online.ts';
import { type ShownChange, shownChange } from '@selvage/shared/policy/shown-change.ts';
import { addSignature } from '@selvage/shared/policy/sign.ts';
import { type Requirement, requirementsOf, stillNeeded } from '@selvage/shared/policy/signatures.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import { signedFiles } from '../api/contract/proposals.ts';
import { refuseBoth } from '../policy/both-ways.ts';
import type { Cli, Session } from './cli.ts';
import { currentOrOverdue } from './current-policy.ts';
import { hanging } from './paragraph.ts';
import { changeOn } from './policy-change.ts';
import { isEmpty } from './policy-diff.ts';
import { showReport } from './policy-page.ts';
import { changedSince, digits, type Proposal, proposedDiff, showProposal, showUnsigned } from './proposal-page.ts';
import { offer, showHandedIn, signerOf } from './push.ts';
import { refuseUnread } from './unread.ts';

/** Of a key id, where it is only named. */
const KEY_DIGITS = 16;

/** Shows the change; with `seen`, signs what these digits were shown with. */
export async function cosign(
  cli: Cli,
  session: Session,
  one: Proposal,
  options: { readonly seen?: string; readonly json?: boolean; readonly acceptUnread?: boolean },
): Promise<void> {
  const { number } = one;
  const documents = decodeDocuments(one.documents);
  refuseBoth(documents, one.removed);
  const { metadata } = await session.client.get(`/v1/policy/proposals/${number}/files`, signedFiles);
  const files = metadata.map(({ name, content }) => ({ name, bytes: new TextEncoder().encode(content) }));
  const { policy: current } = await currentOrOverdue(cli, session);
  const known = current.documents.map(({ document }) => document);
  const diff = proposedDiff(known, documents, one);
  const removed = diff.removed.map(pathOf);
  const change = asProposal(number, () =>
    shownChange({ current, metadata: files, documents, removed, now: cli.clock.now() }),
  );
  const requirements = requirementsOf(current, files);
  const { report } = await changeOn(cli, session, current, () => diff);
  const seen = digits(diff, change.files);
  const told = { ...report, number, documents, seen, ...changeTold(change) };
  const json = options.json === true;
  if (options.seen === undefined) {
    if (json)
      return cli.screen.json({ ...told, timestampVersion: null, waits: { ...one.signatures, proposal: number } });
    showProposal(cli, one, diff);
    if (!isEmpty(diff)) showReport(cli, report, diff);
    showChange(cli, change, current);
    showSigned(cli, one, requirements);
    showUnsigned(cli, number, seen);

    return;
  }
  if (options.seen !== seen) throw changedSince(number, options.seen);
  refuseUnread(report.unread, options);
  const signer = await signerOf(cli, current);
  refuseTwice(number, signer.keyId, requirements);
  const proposal = { metadata: files.map((file: NamedBytes) => addSignature(file, signer)), targets: [] };
  const handed = await offer(cli, session, proposal, { proposal: number });
  if (json) return cli.screen.json({ ...told, ...handed });

  if (!isEmpty(diff)) showReport(cli, report, diff);
  showHandedIn(cli, handed, signer.keyId);
}

/** What is wrong with the bytes is said with the number under which they wait. */
function asProposal<T>(number: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!hasCode(error)) throw error;
    const { code, message, details } = error;
    const again = `propose it again, and: selvage policy decline ${number}`;
    const next = code === 'POLICY_CONFLICT' ? again : error.next;
    throw new CodedError(code, `proposal ${number}: ${message}`, { cause: error, details, next });
  }
}

function refuseTwice(number: number, keyId: string, requirements: readonly Requirement[]): void {
  const own = requirements.filter(({ keys }) => keys.some((key) => key.keyId === keyId));
  if (own.some(({ signed }) => !signed.includes(keyId))) return;

  throw new CodedError('ALREADY_EXISTS', `the key of this machine has signed proposal ${number} already`, {
    next: 'another admin has to sign it: selvage policy proposals',
  });
}

function changeTold({ renewed, admins, online, ends }: ShownChange) {
  return {
    renewed,
    ends,
    keys: admins && {
      ...{ added: admins.added.map(({ keyId }) => keyId), removed: admins.removed.map(({ keyId }) => keyId) },
      threshold: admins.threshold,
    },
    online: online && { snapshot: online.snapshot.keyId, timestamp: online.timestamp.keyId },
  };
}

function showChange({ screen }: Cli, { renewed, admins, online, ends }: ShownChange, { signed }: TrustedPolicy): void {
  const terms = renewed.length > 0 ? [`~ a new term, and nothing else, for: ${renewed.join(', ')}`] : [];
  for (const line of terms.flatMap((text) => hanging(text, '', screen.width))) screen.line(line);
  for (const { keyId } of admins?.added ?? []) screen.line(`+ key ${keyId} may sign`, 'good');
  for (const { keyId } of admins?.removed ?? []) screen.line(`- key ${keyId} no more`, 'bad');
  if (admins) {
    const before = `${admins.threshold.before} of ${signed.root.roles.targets.keyids.length}`;
    screen.line(`~ ${admins.threshold.after} of ${admins.keys} keys must sign (now ${before})`);
  }
  if (online) {
    screen.line('~ the collector gets other keys for snapshot and timestamp:');
    for (const { keyId } of [online.snapshot, online.timestamp]) screen.line(`    ${keyId}`);
  }
  screen.line(`  holds until ${ends} at the latest`);
}

/** Which signatures hold was seen here; whose keys they are is what the collector says. */
function showSigned({ screen }: Cli, { signatures }: Proposal, requirements: readonly Requirement[]): void {
  const one = stillNeeded(requirements) ?? requirements[0];
  if (one === undefined) return;
  const names = one.signed.map((keyId) => {
    const by = signatures?.signers.find((each) => each.keyId === keyId)?.by;

    return `${keyId.slice(0, KEY_DIGITS)}${by === undefined ? '' : ` (${by})`}`;
  });
  const text = `${one.signed.length} of ${one.threshold} signatures: ${names.join(', ') || 'none that holds'}`;
  for (const line of hanging(text, '  ', screen.width)) screen.line(line);
}
