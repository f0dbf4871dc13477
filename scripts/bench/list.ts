// Every benchmark, one line each. To add one: a file in ./benches and its line here.
import type { Bench } from './bench.ts';
import { gateway } from './benches/gateway.ts';

export const BENCHES: readonly Bench[] = [gateway];
