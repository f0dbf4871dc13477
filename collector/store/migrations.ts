// The append-only list of schema changes, one file each. A released migration is never edited (a test pins each one's hash): a
// change is a new entry at the end. Nothing is applied here; see ./migrate.ts.
import { FEEDS } from './migrations/feeds.ts';
import { FIRST } from './migrations/first.ts';
import { HISTORY } from './migrations/history.ts';
import { IDENTITY } from './migrations/identity.ts';
import { MANY_HOSTS } from './migrations/many-hosts.ts';
import { PROPOSALS } from './migrations/proposals.ts';
import { SIGNATURES } from './migrations/signatures.ts';
import { SOFTWARE } from './migrations/software.ts';
import { UNDERSTANDING } from './migrations/understanding.ts';
import { VEX } from './migrations/vex.ts';
import { WITHOUT_AGENT } from './migrations/without-agent.ts';

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  { name: 'first tables', sql: FIRST },
  { name: 'identity for years', sql: IDENTITY },
  { name: 'many hosts', sql: MANY_HOSTS },
  { name: 'changes of packages', sql: HISTORY },
  { name: 'machines without an agent', sql: WITHOUT_AGENT },
  { name: 'feeds', sql: FEEDS },
  { name: 'what others say of findings', sql: VEX },
  { name: 'software and what is open against it', sql: SOFTWARE },
  { name: 'proposals', sql: PROPOSALS },
  { name: 'what agents understand', sql: UNDERSTANDING },
  { name: 'signatures of several', sql: SIGNATURES },
];
