// Hosts whose agents are too old for a policy: an agent that meets a kind of document or a field that it does not know refuses all of
// it, and goes on with what it has. Said before anything is signed. Pure: documents and hosts in, facts out.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { type SelectableHost, selectorOf } from '@selvage/shared/policy/select.ts';
import { wordingsOf } from '@selvage/shared/policy/understanding.ts';
import { selectableOf } from '../api/selectable.ts';
import { plural } from './plural.ts';
import type { Screen } from './screen.ts';
import { someNames } from './some-names.ts';

/** Of whatever signs. */
export const ACCEPT_UNREAD = [
  '--accept-unread',
  'sign although agents that are too old would refuse all of it',
] as const;

/** A host as the list has it; `cannotRead` is left out by a collector that does not say. */
type Host = SelectableHost & {
  readonly state: string;
  readonly mode: string;
  readonly cannotRead?: readonly string[];
};

export interface Unread {
  /** Hosts that could not read the policy after the push. */
  readonly hosts: readonly string[];
  /** Those of them that can read the one in force: they would be lost by this push. */
  readonly lost: readonly string[];
  /** Kinds, and fields of kinds (`PatchPolicy.due`), each with the hosts that do not know it. */
  readonly documents: readonly { readonly document: string; readonly hosts: readonly string[] }[];
}

/**
 * Only hosts that get policy and have a use for it are looked at: not those that are pending, revoked or retired, and not those that
 * observe and are selected by no policy.
 */
export function unreadOf(
  current: readonly PolicyDocument[],
  result: readonly PolicyDocument[],
  known: readonly Host[],
): Unread {
  const [before, after] = [wordings(current), wordings(result)];
  const selector = selectorOf(result);
  const policies = result.flatMap((document) => (document.kind === 'PatchPolicy' ? [document] : []));
  const uses = (host: Host) =>
    host.mode !== 'observe' ||
    policies.some((policy) => selector.selectionOf(policy, selectableOf(host)) === 'selected');
  const behind = known
    .map((host) => ({ host, lacks: (host.cannotRead ?? []).filter((one) => after.has(one)) }))
    .filter(({ host, lacks }) => lacks.length > 0 && host.state === 'active' && uses(host));
  const names = (all: typeof behind) => all.map(({ host }) => host.name).toSorted();

  return {
    hosts: names(behind),
    lost: names(behind.filter(({ host }) => !host.cannotRead?.some((one) => before.has(one)))),
    documents: [...after].flatMap((document) => {
      const hosts = names(behind.filter(({ lacks }) => lacks.includes(document)));

      return hosts.length === 0 ? [] : [{ document, hosts }];
    }),
  };
}

export function showUnread(screen: Screen, { hosts, lost, documents }: Unread): void {
  if (hosts.length === 0) return;
  const already = hosts.length - lost.length;
  const so = already === 0 ? '' : already === hosts.length ? ', as they do now' : ` (${already} of them do so now)`;
  screen.line(
    `! ${plural(hosts.length, 'host')} would refuse all of this policy${so}: the agent is too old to read`,
    'bad',
  );
  for (const one of documents) screen.line(`    ${one.document}: ${one.hosts.length}: ${someNames(one.hosts)}`, 'bad');
  screen.line(
    "  they go on with what they have; next: upgrade their agents: selvage host list --select 'cannot-read=*'",
  );
}

/** Throws AGENTS_TOO_OLD where hosts would be lost, unless that was said to be meant. What refuses already is no reason. */
export function refuseUnread({ lost, documents }: Unread, options: { readonly acceptUnread?: boolean }): void {
  if (lost.length === 0 || options.acceptUnread === true) return;
  const gone = new Set(lost);
  const what = documents
    .map(({ document, hosts }) => ({ document, hosts: hosts.filter((host) => gone.has(host)) }))
    .filter(({ hosts }) => hosts.length > 0);
  const text = what.map(({ document, hosts }) => `${document} (${hosts.length}: ${someNames(hosts)})`).join(', ');

  throw new CodedError(
    'AGENTS_TOO_OLD',
    `nothing was signed: ${plural(lost.length, 'host')} would refuse the whole policy, whose agents cannot read ${text}`,
    {
      details: {
        hosts: lost.length,
        documents: what.map(({ document, hosts }) => ({ document, hosts: hosts.length })),
      },
    },
  );
}

function wordings(documents: readonly PolicyDocument[]): ReadonlySet<string> {
  return new Set(documents.flatMap(wordingsOf));
}
