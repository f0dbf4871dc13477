// Instances of Google Compute Engine: what `gcloud compute instances list` prints as JSON. Pure.
import { z } from 'zod';
import { type AssetFormat, distinct, NOTHING } from '../format.ts';
import { jsonOf, readEntries } from '../json.ts';

const instance = z.looseObject({
  id: z.union([z.string(), z.number()]).transform(String),
  name: z.string(),
  hostname: z.string().nullish(),
  status: z.string(),
  selfLink: z.string().nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
});

export const GCLOUD: AssetFormat = {
  name: 'gcloud',
  about: 'gcloud compute instances list --format=json',
  // What others call terminated is deleted here and not listed; TERMINATED is what others call stopped.
  gone: 'none: a TERMINATED instance is stopped, and one that was deleted is not listed',
  identity: 'instance',
  detect: (_text, document) =>
    Array.isArray(document) &&
    document.some(
      (each) => typeof each === 'object' && each !== null && 'machineType' in each && 'status' in each && 'id' in each,
    ),
  parse: (source) =>
    readEntries(jsonOf(source), instance, 'gcloud compute instances list', (found) => ({
      ...NOTHING,
      name: found.name.trim(),
      names: distinct([found.name.trim(), found.hostname, internalName(found)]),
      instance: found.id,
      owner: found.labels?.owner ?? null,
      state: found.status,
    })),
};

/** What its own host name is unless somebody chose another: NAME.ZONE.c.PROJECT.internal. */
function internalName({ name, selfLink }: z.output<typeof instance>): string | null {
  const [, project, zone] = /\/projects\/([^/]+)\/zones\/([^/]+)\/instances\//.exec(selfLink ?? '') ?? [];

  return project === undefined || zone === undefined ? null : `${name}.${zone}.c.${project}.internal`;
}
