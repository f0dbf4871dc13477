// The other end of ./parser.ts: says when it is ready, then reads one section at a time and says what is wrong with it.
import { parentPort } from 'node:worker_threads';
import type { SectionName } from '@selvage/shared/model/inventory.ts';
import { faultOf } from './fault.ts';
import { READY } from './parser-ready.ts';

parentPort?.on('message', ({ name, json }: { readonly name: SectionName; readonly json: Uint8Array }) => {
  parentPort?.postMessage(faultOf(name, json));
});
parentPort?.postMessage(READY);
