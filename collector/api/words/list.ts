// Every noun that is selected by a text, with its words and where such a text is taken: a new one is a line here, and its
// table in docs/select.md.
import { DOCUMENT_WORDS } from '@selvage/shared/policy/select-words.ts';
import type { Vocabulary } from '@selvage/shared/select/vocabulary.ts';
import { HOST_WORDS } from '../host-fields.ts';
import { ADMIN_WORDS } from './admins.ts';
import { ALARM_WORDS } from './alarms.ts';
import { ASSET_WORDS } from './assets.ts';
import { AUDIT_WORDS } from './audit.ts';
import { POLICY_WORDS } from './documents.ts';
import { EVENT_WORDS } from './events.ts';
import { FEED_WORDS } from './feeds.ts';
import { FINDING_FIELDS, FINDING_WORDS } from './findings.ts';
import { FIX_FIELDS, FIX_WORDS } from './fixes.ts';
import { KEY_WORDS } from './keys.ts';
import { PROPOSAL_WORDS } from './proposals.ts';
import { RESULT_WORDS } from './results.ts';
import { TOKEN_WORDS } from './tokens.ts';
import { VEX_WORDS } from './vex.ts';

export interface Noun {
  /** The word after `help select`, and the heading in docs/select.md. */
  readonly name: string;
  readonly vocabulary: Pick<Vocabulary<never>, 'noun' | 'fields'>;
  /** The fields that are told of; others are told of elsewhere. */
  readonly told: readonly string[];
  readonly where: string;
  readonly labels: string;
  readonly also?: string;
}

const HOST_LABELS = "labels of all origins: the host's own, signed, the collector's";

export const NOUNS: readonly Noun[] = [
  noun('hosts', HOST_WORDS, 'host list and every command that takes several hosts', HOST_LABELS),
  {
    ...noun('fixes', FIX_WORDS, 'fix list', HOST_LABELS),
    told: Object.keys(FIX_FIELDS),
    also: 'every word for hosts; a fix is looked at on each of its hosts',
  },
  {
    ...noun('findings', FINDING_WORDS, 'finding list', HOST_LABELS),
    told: Object.keys(FINDING_FIELDS),
    also: 'every word for hosts; of a machine known from a file only what is known of it',
  },
  noun('tokens', TOKEN_WORDS, 'token list', 'labels that its hosts get'),
  noun('admins', ADMIN_WORDS, 'admin list'),
  noun('keys', KEY_WORDS, 'key list'),
  noun('results', RESULT_WORDS, '`GET /v1/hosts/HOST/results`'),
  noun('alarms', ALARM_WORDS, '`GET /v1/alarms`'),
  noun('feeds', FEED_WORDS, 'feed list'),
  noun('vex', VEX_WORDS, 'vex list'),
  noun('entries', AUDIT_WORDS, 'audit list'),
  noun('events', EVENT_WORDS, 'host history'),
  noun('assets', ASSET_WORDS, 'asset list'),
  noun('proposals', PROPOSAL_WORDS, 'policy proposals'),
  noun('documents', POLICY_WORDS, 'policy get'),
  noun(
    'signed',
    DOCUMENT_WORDS,
    '`select` of PatchPolicy, HostGroup and RiskAcceptance',
    "the host's own, and signed by a HostGroup",
  ),
];

function noun<F>(name: string, vocabulary: Vocabulary<F>, where: string, labels = 'none'): Noun {
  return { name, vocabulary: vocabulary as Noun['vocabulary'], told: Object.keys(vocabulary.fields), where, labels };
}
