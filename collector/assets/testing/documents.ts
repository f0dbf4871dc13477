// One document per format, as the program writes it, reduced to what is looked at and some of what is not. For tests only. Each has
// the same four machines: web-1 (there), db-1 (stopped, or a lease for ever), old-1 (gone), and one that has no name of its own.
// Shapes: EC2 API DescribeInstances, Azure REST API virtual machines and `az vm list -d`, Compute Engine API instances.list,
// dhcpd.leases(5), dnsmasq(8) "dhcp-leasefile", Kea's memfile leases.

export interface Document {
  readonly format: string;
  readonly text: string;
  /** As they come out: name, expected. */
  readonly machines: readonly (readonly [string, boolean])[];
  /** What tells web-1 apart. */
  readonly web: Readonly<Record<string, unknown>>;
  /** The same document in which web-1 is there twice; null where that is no error. */
  readonly twice: string | null;
  /** The same document cut. */
  readonly cut: string;
}

/** What leases are held against. */
export const NOW = '2026-11-23T16:00:00Z';
const SOON = Date.parse('2026-11-23T20:00:00Z') / 1000;
const LONG_AGO = Date.parse('2026-11-01T00:00:00Z') / 1000;

const ec2 = (
  id: string,
  state: string,
  tags: readonly { readonly Key: string; readonly Value: string }[],
  mac: string,
) => ({
  ...{ InstanceId: id, ImageId: 'ami-0abc', InstanceType: 't3.micro', PublicDnsName: '', Tags: tags },
  ...{ PrivateDnsName: state === 'terminated' ? '' : `ip-10-0-0-${mac.slice(-1)}.eu-central-1.compute.internal` },
  State: { Code: 16, Name: state },
  NetworkInterfaces: state === 'terminated' ? [] : [{ MacAddress: mac, Status: 'in-use' }],
});
const name = (value: string) => ({ Key: 'Name', Value: value });
const RESERVATIONS = [
  {
    Groups: [],
    ReservationId: 'r-1',
    Instances: [
      ec2('i-0aaaaaaaaaaaaaaa1', 'running', [name('web-1'), { Key: 'Owner', Value: 'ann' }], '02:00:00:00:00:01'),
    ],
  },
  {
    Groups: [],
    ReservationId: 'r-2',
    Instances: [
      ec2('i-0aaaaaaaaaaaaaaa2', 'stopped', [name('db-1')], '02:00:00:00:00:02'),
      ec2('i-0aaaaaaaaaaaaaaa3', 'terminated', [name('old-1')], '02:00:00:00:00:03'),
      ec2('i-0aaaaaaaaaaaaaaa4', 'running', [], '02:00:00:00:00:04'),
    ],
  },
];
const AWS = JSON.stringify({ Reservations: RESERVATIONS }, null, 4);

const vm = (vmName: string, id: string, power: string, state = 'Succeeded') => ({
  ...{
    name: vmName,
    vmId: id,
    powerState: power,
    provisioningState: state,
    resourceGroup: 'RG',
    tags: { Owner: 'ann' },
  },
  ...{
    type: 'Microsoft.Compute/virtualMachines',
    macAddresses: '00-0D-3A-00-00-01',
    fqdns: '',
    privateIps: '10.0.0.4',
  },
  osProfile: { computerName: vmName, linuxConfiguration: { disablePasswordAuthentication: true } },
});
const VMS = [
  vm('web-1', '11111111-1111-4111-8111-111111111111', 'VM running'),
  {
    ...vm('db-1', '22222222-2222-4222-8222-222222222222', 'VM deallocated'),
    macAddresses: '00-0D-3A-00-00-02',
    tags: null,
  },
  { ...vm('old-1', '33333333-3333-4333-8333-333333333333', '', 'Deleting'), macAddresses: '', osProfile: null },
  { ...vm('attached', '44444444-4444-4444-8444-444444444444', 'VM running'), macAddresses: null, osProfile: undefined },
];

const gce = (vmName: string, id: string, status: string, over: object = {}) => ({
  ...{ id, name: vmName, status, kind: 'compute#instance', machineType: 'zones/europe-west3-a/machineTypes/e2-micro' },
  selfLink: `https://www.googleapis.com/compute/v1/projects/shop/zones/europe-west3-a/instances/${vmName}`,
  networkInterfaces: [{ name: 'nic0', networkIP: '10.156.0.2' }],
  ...over,
});
const INSTANCES = [
  gce('web-1', '1000000000000000001', 'RUNNING', { labels: { owner: 'ann' } }),
  gce('db-1', '1000000000000000002', 'TERMINATED'),
  gce('own-name', '1000000000000000003', 'RUNNING', { hostname: 'custom.example.org' }),
];

const lease = (ip: string, mac: string, ends: string, state: string, more = '') =>
  `lease ${ip} {\n  starts 1 2026/11/23 12:00:00;\n  ends ${ends};\n  cltt 1 2026/11/23 12:00:00;\n  binding state ${state};\n  next binding state free;\n  rewind binding state free;\n  hardware ethernet ${mac};\n  uid "\\001\\000\\021\\"3DU";\n${more}}\n`;
const ISC = [
  '# The format of this file is documented in the dhcpd.leases(5) manual page.\n# This lease file was written by isc-dhcp-4.4.3\n\n',
  'authoring-byte-order little-endian;\nserver-duid "\\000\\001\\000\\001%>\\347";\n\n',
  lease('10.0.0.1', '02:00:00:00:00:01', '1 2026/11/23 14:00:00', 'active', '  client-hostname "web-1";\n'),
  lease('10.0.0.1', '02:00:00:00:00:01', '1 2026/11/23 20:00:00', 'active', '  client-hostname "web-1";\n'),
  lease('10.0.0.2', '02:00:00:00:00:02', 'never', 'active', '  client-hostname "db-1";\n'),
  lease('10.0.0.3', '02:00:00:00:00:03', '0 2026/11/01 00:00:00', 'free', '  client-hostname "old-1";\n'),
  lease('10.0.0.4', '02:00:00:00:00:04', `epoch ${SOON}`, 'active'),
  'lease 10.0.0.9 {\n  starts 1 2026/11/23 12:00:00;\n  ends 1 2026/11/23 12:00:00;\n  binding state free;\n}\n',
].join('');

const DNSMASQ = [
  `${SOON} 02:00:00:00:00:01 10.0.0.1 web-1 01:02:00:00:00:00:01`,
  '0 02:00:00:00:00:02 10.0.0.2 db-1 *',
  `${LONG_AGO} 02:00:00:00:00:03 10.0.0.3 old-1 *`,
  `${SOON} 02:00:00:00:00:04 10.0.0.4 * ff:00:00:00:04`,
  'duid 00:01:00:01:2a:01:02:03:02:00:00:00:00:01',
  `${SOON} 1234567 2001:db8::1 web-1 00:01:00:01:2a`,
  '',
].join('\n');

const KEA = [
  'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id',
  `10.0.0.1,02:00:00:00:00:01,01:02:00:00:00:00:01,3600,${LONG_AGO},1,0,0,web-1.,0,,0`,
  `10.0.0.1,02:00:00:00:00:01,01:02:00:00:00:00:01,3600,${SOON},1,0,0,web-1.,0,,0`,
  `10.0.0.2,02:00:00:00:00:02,,4294967295,${SOON + 4_000_000_000},1,0,0,db-1,0,,0`,
  `10.0.0.3,02:00:00:00:00:03,,3600,${LONG_AGO},1,0,0,old-1,2,,0`,
  `10.0.0.4,02:00:00:00:00:04,,3600,${SOON},1,0,0,,0,,0`,
  `10.0.0.8,02:00:00:00:00:08,,3600,${SOON},1,0,0,moved,0,,0`,
  '10.0.0.8,02:00:00:00:00:08,,0,0,1,0,0,moved,0,,0',
  '',
].join('\n');

const CSV = [
  'Hostname;FQDN;Serial Number;MAC Address;Owner;Status',
  'web-1;web-1.example.org;S-1;02-00-00-00-00-01;ann;in use',
  '"db-1";;S-2;0200.0000.0002;;stopped',
  'old-1;;;;;Retired',
  ';only-fqdn.example.org;;;;',
  ';;;;;',
  '',
].join('\n');

const LEASED = [
  ['web-1', true],
  ['db-1', true],
  ['old-1', false],
  ['02:00:00:00:00:04', true],
] as const;
const half = (text: string) => text.slice(0, Math.floor(text.length / 2));

export const DOCUMENTS: readonly Document[] = [
  {
    format: 'aws',
    text: AWS,
    machines: [
      ['web-1', true],
      ['db-1', true],
      ['old-1', false],
      ['i-0aaaaaaaaaaaaaaa4', true],
    ],
    web: { instance: 'i-0aaaaaaaaaaaaaaa1', macs: ['02:00:00:00:00:01'], owner: 'ann', state: 'running' },
    twice: JSON.stringify({ Reservations: [...RESERVATIONS, RESERVATIONS[0]] }),
    cut: half(AWS),
  },
  {
    format: 'azure',
    text: JSON.stringify(VMS),
    machines: [
      ['web-1', true],
      ['db-1', true],
      ['old-1', false],
      ['attached', true],
    ],
    web: {
      instance: '11111111-1111-4111-8111-111111111111',
      macs: ['00:0d:3a:00:00:01'],
      owner: 'ann',
      state: 'running',
    },
    twice: JSON.stringify([...VMS, VMS[0]]),
    cut: half(JSON.stringify(VMS)),
  },
  {
    format: 'gcloud',
    text: JSON.stringify(INSTANCES),
    machines: [
      ['web-1', true],
      // Google's word for stopped.
      ['db-1', true],
      ['own-name', true],
    ],
    web: {
      ...{ instance: '1000000000000000001', owner: 'ann', state: 'RUNNING' },
      names: ['web-1', 'web-1.europe-west3-a.c.shop.internal'],
    },
    twice: JSON.stringify([...INSTANCES, INSTANCES[0]]),
    cut: half(JSON.stringify(INSTANCES)),
  },
  {
    format: 'isc-dhcp',
    text: ISC,
    machines: LEASED,
    web: { macs: ['02:00:00:00:00:01'], names: ['web-1'], state: 'leased' },
    twice: null,
    cut: ISC.slice(0, ISC.lastIndexOf('binding')),
  },
  {
    format: 'dnsmasq',
    text: DNSMASQ,
    machines: LEASED,
    web: { macs: ['02:00:00:00:00:01'], names: ['web-1'], state: 'leased' },
    twice: null,
    cut: DNSMASQ.slice(0, DNSMASQ.indexOf('db-1')),
  },
  {
    format: 'kea',
    text: KEA,
    machines: LEASED,
    web: { macs: ['02:00:00:00:00:01'], names: ['web-1'], state: 'leased' },
    twice: null,
    cut: KEA.slice(0, KEA.indexOf('db-1')),
  },
  {
    format: 'csv',
    text: CSV,
    machines: [
      ['web-1', true],
      ['db-1', true],
      ['old-1', false],
      ['only-fqdn.example.org', true],
    ],
    web: { serial: 'S-1', macs: ['02:00:00:00:00:01'], owner: 'ann', names: ['web-1', 'web-1.example.org'] },
    twice: `${CSV}WEB-1;;;;;\n`,
    cut: `${CSV}"web-9;;;;`,
  },
];
