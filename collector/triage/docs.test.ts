// docs/triage.md tells what the data says: the tree, the labels, the libraries and the days.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FLEET_SETTINGS } from './settings.ts';
import { labelTable, libraryList, severityList, treeTable } from './testing/tables.ts';
import { TREE } from './tree.ts';

const page = readFileSync(new URL('../../docs/triage.md', import.meta.url), 'utf8');

it.each([
  ['the tree', treeTable(TREE)],
  ['the labels', labelTable(FLEET_SETTINGS)],
  ['the libraries', libraryList(FLEET_SETTINGS)],
  ['the days by severity', severityList(FLEET_SETTINGS)],
  ['the name of the tree', `${TREE.name} ${TREE.version}, \`${TREE.definition}\``],
])('docs/triage.md tells %s', (_what, told) => {
  expect(page).toContain(told);
});
