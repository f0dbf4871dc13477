// Every route of the API, room by room: a new one is a file here and a line in this list.
import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';
import { addAdmins } from './admins.ts';
import { addAlarms } from './alarms.ts';
import { addAssets } from './assets.ts';
import { addAudit } from './audit.ts';
import { addAuthorities } from './authorities.ts';
import { addCalendar } from './calendar.ts';
import { addCompare } from './compare.ts';
import { addCoverage } from './coverage.ts';
import { addEvents } from './events.ts';
import { addFeeds } from './feeds.ts';
import { addFindings } from './findings.ts';
import { addFirstContact } from './first-contact.ts';
import { addFixes } from './fixes.ts';
import { addHistory } from './history.ts';
import { addHostChanges } from './host-changes.ts';
import { addHosts } from './hosts.ts';
import { addImports } from './imports.ts';
import { addMetrics } from './metrics.ts';
import { addOpenApi } from './open-api.ts';
import { addPolicy } from './policy.ts';
import { addProposals } from './proposals.ts';
import { addReports } from './reports.ts';
import { addScan } from './scan.ts';
import { addStatus } from './status.ts';
import { addTodo } from './todo.ts';
import { addTokens } from './tokens.ts';
import { addVex } from './vex.ts';

export const ROUTES: readonly ((app: FastifyInstance, deps: ApiDeps) => void)[] = [
  addFirstContact,
  addOpenApi,
  addStatus,
  addMetrics,
  addAlarms,
  addHosts,
  addImports,
  addAssets,
  addCoverage,
  addFeeds,
  addHistory,
  addHostChanges,
  addTokens,
  addAdmins,
  addAuthorities,
  addPolicy,
  addProposals,
  addScan,
  addFixes,
  addFindings,
  addTodo,
  addReports,
  addCalendar,
  addCompare,
  addVex,
  addAudit,
  addEvents,
];
