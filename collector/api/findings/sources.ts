// What lists and pages of findings are made of: ports of the API.
import type { ApiDeps } from '../deps.ts';

export type FindingSources = Pick<
  ApiDeps,
  'fleet' | 'triage' | 'suppress' | 'store' | 'policy' | 'connections' | 'clock' | 'feeds'
>;
