// Every benchmark, one line each. To add one: a file in ./benches and its line here.
import type { Bench } from './bench.ts';
import { connectorCpu } from './benches/connector-cpu.ts';
import { connectorRss } from './benches/connector-rss.ts';
import { connectorVsOsqueryd } from './benches/connector-vs-osqueryd.ts';
import { gateway } from './benches/gateway.ts';
import { idle15000 } from './benches/idle-15000.ts';
import { intake } from './benches/intake.ts';

export const BENCHES: readonly Bench[] = [connectorRss, connectorVsOsqueryd, connectorCpu, gateway, idle15000, intake];
