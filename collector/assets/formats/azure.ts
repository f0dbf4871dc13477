// Virtual machines of Azure: what `az vm list` prints as JSON; with -d it also says whether they run, and their addresses. Pure.
import { z } from 'zod';
import { type AssetFormat, distinct, macOf, NOTHING } from '../format.ts';
import { jsonOf, readEntries } from '../json.ts';

const text = z.string().nullish();
const machine = z.looseObject({
  name: z.string(),
  vmId: text,
  osProfile: z.looseObject({ computerName: text }).nullish(),
  powerState: text,
  provisioningState: text,
  /** With -d: divided by commas. */
  macAddresses: text,
  fqdns: text,
  tags: z.record(z.string(), z.string().nullable()).nullish(),
});
const GONE = 'Deleting';

export const AZURE: AssetFormat = {
  name: 'azure',
  about: 'az vm list -d --output json',
  gone: GONE,
  identity: 'instance',
  detect: (_text, document) =>
    Array.isArray(document) &&
    document.some((each) => typeof each === 'object' && each !== null && ('vmId' in each || 'osProfile' in each)),
  parse: (source) =>
    readEntries(jsonOf(source), machine, 'az vm list', (found) => {
      const list = (joined: string | null | undefined) => (joined ?? '').split(',').map((each) => each.trim());
      const owner = Object.entries(found.tags ?? {}).find(([key]) => key.toLowerCase() === 'owner')?.[1];

      return {
        ...NOTHING,
        name: found.name.trim(),
        names: distinct([found.name.trim(), found.osProfile?.computerName, ...list(found.fqdns)]),
        instance: found.vmId ?? null,
        macs: distinct(list(found.macAddresses).map(macOf)),
        owner: owner ?? null,
        // "VM deallocated" is known with -d only.
        state: found.powerState?.replace(/^VM /, '') || found.provisioningState || null,
        expected: found.provisioningState !== GONE,
      };
    }),
};
