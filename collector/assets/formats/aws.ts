// Instances of Amazon EC2: what `aws ec2 describe-instances` prints as JSON, whole or only the instances of it. Pure.
import { z } from 'zod';
import { type AssetFormat, distinct, macOf, NOTHING } from '../format.ts';
import { jsonOf, readEntries } from '../json.ts';

const text = z.string().nullish();
const instance = z.looseObject({
  InstanceId: z.string().min(1),
  PrivateDnsName: text,
  PublicDnsName: text,
  State: z.looseObject({ Name: z.string() }),
  Tags: z.array(z.looseObject({ Key: z.string(), Value: z.string() })).nullish(),
  NetworkInterfaces: z.array(z.looseObject({ MacAddress: text })).nullish(),
});
/** Shown for an hour after their end; a stopped one exists and can be started at any time. */
const GONE = ['shutting-down', 'terminated'];
const OWNER_TAGS = ['owner', 'contact'];

/** Instances of all reservations, or the list that --query 'Reservations[].Instances[]' leaves. */
function entriesOf(document: unknown): unknown {
  if (Array.isArray(document)) return document.flat();
  const { Reservations: reservations } = (document ?? {}) as { readonly Reservations?: unknown };
  if (!Array.isArray(reservations)) return undefined;

  return reservations.flatMap((each) => (each as { readonly Instances?: unknown } | null)?.Instances ?? []);
}

export const AWS: AssetFormat = {
  name: 'aws',
  about: 'aws ec2 describe-instances --output json',
  gone: GONE.join(', '),
  identity: 'instance',
  detect: (_text, document) =>
    (typeof document === 'object' && document !== null && 'Reservations' in document) ||
    (Array.isArray(document) &&
      document.flat().some((each) => typeof each === 'object' && each && 'InstanceId' in each)),
  parse: (source) =>
    readEntries(entriesOf(jsonOf(source)), instance, 'aws ec2 describe-instances', (found) => {
      const tag = (...keys: string[]) =>
        found.Tags?.find(({ Key, Value }) => keys.includes(Key.toLowerCase()) && Value !== '')?.Value.trim() ?? null;
      const name = tag('name');

      return {
        ...NOTHING,
        name: name ?? found.InstanceId,
        names: distinct([name, found.PrivateDnsName, found.PublicDnsName]),
        instance: found.InstanceId,
        macs: distinct(found.NetworkInterfaces?.map(({ MacAddress }) => macOf(MacAddress ?? '')) ?? []),
        owner: tag(...OWNER_TAGS),
        state: found.State.Name,
        expected: !GONE.includes(found.State.Name),
      };
    }),
};
