// Every format of lists of machines, in the order in which a file is held against them: a new one is a file in formats/ and a
// line here. Pure.
import type { AssetFormat } from './format.ts';
import { AWS } from './formats/aws.ts';
import { AZURE } from './formats/azure.ts';
import { CSV } from './formats/csv.ts';
import { DNSMASQ } from './formats/dnsmasq.ts';
import { GCLOUD } from './formats/gcloud.ts';
import { ISC_DHCP } from './formats/isc-dhcp.ts';
import { KEA } from './formats/kea.ts';

export const FORMATS: readonly AssetFormat[] = [AWS, AZURE, GCLOUD, ISC_DHCP, DNSMASQ, KEA, CSV];

/** What an admin may name: each format, and `dhcp` for whichever of the DHCP servers it is. */
export const FORMAT_NAMES = ['csv', 'aws', 'azure', 'gcloud', 'dhcp', 'isc-dhcp', 'dnsmasq', 'kea'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

const DHCP = [ISC_DHCP, DNSMASQ, KEA];

export function formatsFor(name: FormatName | undefined): readonly AssetFormat[] {
  if (name === undefined) return FORMATS;

  return name === 'dhcp' ? DHCP : FORMATS.filter((format) => format.name === name);
}
