// Every feed, one line each. What is here is imported, fetched, listed and covered by the contract suite.
import { bulletins } from './bulletins.ts';
import { cveRecords } from './cve-records.ts';
import { debianTracker } from './debian-tracker.ts';
import { endoflife } from './endoflife.ts';
import { EPSS } from './epss.ts';
import type { Feed } from './feed.ts';
import { hostUpdateinfo } from './host-updateinfo.ts';
import { KEV } from './kev.ts';
import { OSV_FEEDS } from './osv.ts';
import { redhat } from './redhat.ts';
import { updateinfo } from './updateinfo.ts';

export const FEEDS: readonly Feed[] = [
  ...OSV_FEEDS,
  KEV,
  EPSS,
  debianTracker,
  redhat,
  cveRecords,
  endoflife,
  updateinfo,
  hostUpdateinfo,
  bulletins,
  // Others are added below, one line each.
];
