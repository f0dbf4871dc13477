// Every benchmark, one line each. To add one: a file in ./benches and its line here.
import type { Bench } from './bench.ts';
import { coldInventory } from './benches/cold-inventory.ts';
import { connectorBytes } from './benches/connector-bytes.ts';
import { connectorCpu } from './benches/connector-cpu.ts';
import { connectorRss } from './benches/connector-rss.ts';
import { connectorVsOsqueryd } from './benches/connector-vs-osqueryd.ts';
import { debsecan } from './benches/debsecan.ts';
import { enroll5000 } from './benches/enroll-5000.ts';
import { feedImport } from './benches/feed-import.ts';
import { gateway } from './benches/gateway.ts';
import { idle15000 } from './benches/idle-15000.ts';
import { installToVisible } from './benches/install-to-visible.ts';
import { intake } from './benches/intake.ts';
import { inventory } from './benches/inventory.ts';
import { matchHost } from './benches/match-host.ts';
import { newAdvisory } from './benches/new-advisory.ts';
import { pending } from './benches/pending.ts';
import { rematchFleet } from './benches/rematch-fleet.ts';
import { runnerIdle } from './benches/runner-idle.ts';
import { scan } from './benches/scan.ts';
import { start } from './benches/start.ts';
import { todo } from './benches/todo.ts';
import { unchangedReport } from './benches/unchanged-report.ts';

export const BENCHES: readonly Bench[] = [
  connectorRss,
  connectorVsOsqueryd,
  connectorCpu,
  connectorBytes,
  unchangedReport,
  inventory,
  pending,
  runnerIdle,
  start,
  gateway,
  idle15000,
  intake,
  enroll5000,
  installToVisible,
  coldInventory,
  feedImport,
  debsecan,
  scan,
  matchHost,
  rematchFleet,
  newAdvisory,
  todo,
];
