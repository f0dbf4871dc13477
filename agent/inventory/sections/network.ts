// Addresses of the host's own interfaces, without loopback.
import { networkInterfaces } from 'node:os';
import type { Section } from '@selvage/shared/model/inventory.ts';

export async function collectNetwork(): Promise<Section<'network'>> {
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? [])
      .filter((address) => !address.internal)
      .map(({ address, cidr, mac }) => ({
        interface: name,
        address,
        prefix: Number(cidr?.split('/')[1] ?? 0),
        mac,
      })),
  );

  return { addresses };
}
