// Every example of docs/select.md, run: texts and what they select, wrong texts and their columns, documents, tables.
import { readFileSync } from 'node:fs';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { selectorOf } from '@selvage/shared/policy/select.ts';
import { caretLines } from '@selvage/shared/select/caret.ts';
import { evaluate } from '@selvage/shared/select/evaluate.ts';
import { parseSelect } from '@selvage/shared/select/parse.ts';
import { printSelect } from '@selvage/shared/select/print.ts';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { printFailure } from '../../cli/failure.ts';
import { hostId, hostSample } from '../../store/samples.ts';
import { HOST_WORDS, type HostFacts } from '../host-fields.ts';
import type { HostSummary } from '../host-view.ts';
import { FIX_WORDS } from './fixes.ts';
import { NOUNS } from './list.ts';
import { wordTables } from './tables.ts';

const page = readFileSync(new URL('../../../docs/select.md', import.meta.url), 'utf8');
const NOW = Temporal.Instant.from('2026-11-23T12:00:00Z');
const ago = (time: string) => NOW.subtract(time).toString() as Timestamp;
const part = (title: string) => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| `(.+?)` \| (.*?) ?\| ?(.*?) ?\|$/gm)].map(([, first, second, third]) => [
    first ?? '',
    second ?? '',
    third ?? '',
  ]);

/** The fleet that the page describes. */
const DEBIAN = { id: 'debian', version: '12', prettyName: 'Debian 12', idLike: [] };
const UBUNTU = { id: 'ubuntu', version: '24.04', prettyName: 'Ubuntu 24.04', idLike: ['debian'] };
const host = (number: number, over: Partial<HostSummary>, facts: Partial<HostFacts> = {}): HostFacts => {
  const record = hostSample(number, { enrolledAt: ago('PT2400H') });
  const row: HostSummary = {
    ...{ id: hostId(number), name: '', state: 'active', mode: 'managed', connected: false, agentVersion: null },
    ...{ enrolledAt: record.enrolledAt, lastSeen: null, inventoryAt: ago('PT2H'), os: null, labels: null },
    ...{ signedLabels: {}, collectorLabels: {}, owner: null, token: null, acceptedAt: record.acceptedAt },
    ...{ upgradable: null, held: null, phased: null, security: null, rebootRequired: null, quarantine: null },
    ...{ sameMachineAs: [], takeover: null, unknown: [] },
    ...over,
  } as HostSummary;

  return { row, record, labels: { host: row.labels, signed: {}, collector: {} }, sections: {}, ...facts };
};
const at = (address: string): Pick<HostFacts, 'record'> => ({ record: hostSample(1, { lastAddress: address }) });
const own = (labels: Record<string, string[]> | null, collector: Record<string, string[]> = {}) => ({
  labels: { host: labels, signed: {}, collector },
});
const network = (address: string) => ({
  sections: { network: { addresses: [{ interface: 'eth0', address, prefix: 24, mac: '' }] } },
});
const FLEET: readonly HostFacts[] = [
  host(
    1,
    {
      name: 'web-1',
      os: DEBIAN,
      lastSeen: ago('PT0S'),
      connected: true,
      security: 3,
      rebootRequired: true,
      agentVersion: '0.2.0',
    },
    { ...own({ tier: ['web'], site: ['north'] }), ...at('10.20.0.7'), ...network('10.20.0.7') },
  ),
  host(
    2,
    {
      name: 'web-2',
      os: UBUNTU,
      lastSeen: ago('PT120H'),
      inventoryAt: ago('PT120H'),
      rebootRequired: false,
      agentVersion: '0.1.9',
    },
    { ...own({ tier: ['web'] }, { rack: ['R7'] }), ...at('192.168.4.2') },
  ),
  host(
    3,
    {
      name: 'db-1',
      os: DEBIAN,
      lastSeen: ago('PT2H'),
      connected: true,
      security: 0,
      rebootRequired: false,
      owner: 'Jörg (Ops)',
    },
    own({ tier: ['db'], site: ['south'] }),
  ),
  host(4, { name: 'new-1', enrolledAt: ago('PT1H'), inventoryAt: null }, own(null, { tier: ['db'] })),
];

describe('when the examples of the page are run', () => {
  const examples = rowsOf(part('Examples'));

  it('there are some', () => expect(examples.length).toBeGreaterThan(25));

  it.each(examples)('%s: %s, not known %s', (text, selected, unknown) => {
    const select = parseSelect(text, HOST_WORDS);
    const named = (wanted: string) =>
      FLEET.filter((facts) => evaluate(select, facts, NOW) === wanted)
        .map(({ row }) => row.name)
        .join(' ');

    expect([named('selected'), named('unknown')]).toEqual([selected, unknown]);
    expect(parseSelect(printSelect(select.tree, HOST_WORDS), HOST_WORDS).tree).toEqual(select.tree);
  });
});

describe('when the wrong texts of the page are read', () => {
  const wrong = rowsOf(part('What is wrong is shown'));

  it('there are some', () => expect(wrong.length).toBeGreaterThan(6));

  it.each(wrong)('%s is refused at column %s: %s', (text, column, sentence) => {
    expect(() => parseSelect(text, HOST_WORDS)).toThrow(
      expect.objectContaining({ code: 'SELECT_INVALID', message: `column ${column}: ${sentence}` }),
    );
  });

  it('what the command line shows is what the page shows', () => {
    const [, text = '', shown = ''] = /\$ selvage host list --select '(.+?)'\n([\s\S]+?)```/.exec(page) ?? [];
    const lines: string[] = [];
    try {
      parseSelect(text, HOST_WORDS);
    } catch (error) {
      printFailure(error, { write: (line: string) => lines.push(line) });
    }

    expect(lines.join('')).toBe(shown);
  });
});

describe('when the documents of the page are read', () => {
  const yaml = /```yaml\n([\s\S]+?)```/.exec(part('In signed documents'))?.[1] ?? '';
  const documents = decodeDocuments(parseAllDocuments(yaml).map((one) => one.toJS()));

  it('they select the hosts that they speak of', () => {
    const { selectionOf, labelsOf } = selectorOf(documents);
    const selectable = FLEET.map(({ row }) => ({ id: row.id, name: row.name, os: row.os, labels: row.labels }));
    const policy = documents.find((one) => one.kind === 'PatchPolicy');
    if (policy?.kind !== 'PatchPolicy') throw new Error('the page has a policy');
    const known = selectable.map((one, index) => ({ ...one, labels: FLEET[index]?.labels.host ?? null }));

    expect(known.map((one) => selectionOf(policy, one))).toEqual(['selected', 'selected', 'not selected', 'unknown']);
    expect(known.map((one) => labelsOf(one).labels.maintenance ?? null)).toEqual([null, null, ['weekend'], null]);
  });

  it('a word of the collector is refused as the page says', () => {
    const bad = { ...documents.find(({ kind }) => kind === 'PatchPolicy'), select: 'owner=ops' };

    expect(() => decodeDocuments([bad])).toThrow(
      expect.objectContaining({
        code: 'DOCUMENT_INVALID',
        details: {
          problems: [
            {
              path: 'PatchPolicy exposed: select',
              message: expect.stringMatching(/^column 1: owner is refused here: only the collector knows it; /),
              select: { text: 'owner=ops', column: 1 },
            },
          ],
        },
      }),
    );
    expect(caretLines('owner=ops', 1)[1]).toBe('^');
  });
});

it.each(
  [...page.matchAll(/selvage (host|fix) list --select '(.+?)'\n(?!error)/g)].map(([, noun, text]) => [noun, text]),
)('the command for %ss with %s is read', (noun, text) => {
  const read = () => (noun === 'fix' ? parseSelect(text ?? '', FIX_WORDS) : parseSelect(text ?? '', HOST_WORDS));

  expect(read).not.toThrow();
});

it('every word of every noun stands in its table (see ./tables.ts)', () => {
  for (const line of wordTables(NOUNS).split('\n')) expect(page).toContain(line);
});
