// What an import is, from the bytes of a tar to sections that can be stored. It takes as long and as much memory as the tar is
// large: see ./read-import.ts for where it runs.
import { zstdCompressSync } from 'node:zlib';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { SECTION_NAMES } from '@selvage/shared/model/inventory.ts';
import type { ImportFacts, ImportSection } from '../store/import-ports.ts';
import { type FileName, openArchive } from './archive.ts';
import { parseFacts } from './facts.ts';
import { sectionsOf } from './sections.ts';

/** Everything that is kept of a tar. */
export interface ReadImport {
  /** Of the bytes as they came. */
  readonly sha256: Sha256;
  readonly bytes: number;
  /** What the machine's clock said when it was collected. */
  readonly clock: string;
  readonly hostname: string;
  readonly machineId: string | null;
  readonly facts: Omit<ImportFacts, 'warnings'>;
  readonly sections: readonly ImportSection[];
}

/** Lines of what could not be collected that are kept. */
const MAX_MISSING = 50;
const MAX_MARKS = 64;
const MAX_ALIKE = 16;
const LINE_LENGTH = 300;
/** Where a cloud writes the id of the machine into its firmware. */
const INSTANCE = /^i-[0-9a-f]{8,17}$/;

/** Throws IMPORT_INVALID. */
export async function readImport(sent: Uint8Array): Promise<ReadImport> {
  const files = await openArchive(sent);
  // Names and packages are ASCII; a maintainer's name in an old encoding must not hide a package.
  const latin = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const utf8 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const text = (name: FileName): string | null => {
    const bytes = files.get(name);

    return bytes === undefined ? null : name.startsWith('dpkg-') ? latin(bytes) : utf8(bytes);
  };
  const facts = parseFacts(text('facts') ?? '');
  const outcomes = sectionsOf(text, facts);
  const { os, packages, reboot, staleProcesses } = outcomes;

  return {
    sha256: sha256(sent),
    bytes: sent.length,
    clock: facts.now.toString(),
    hostname: facts.hostname,
    machineId: facts.machine,
    facts: {
      os: os.ok
        ? (({ id, version, prettyName, idLike }) => ({ id, version, prettyName, idLike: idLike.slice(0, MAX_ALIKE) }))(
            os.data,
          )
        : null,
      kernel: facts.kernel,
      arch: facts.arch,
      packages: packages.ok ? packages.data.length : null,
      rebootRequired: reboot.ok ? reboot.data.required : null,
      staleProcesses: staleProcesses.ok ? staleProcesses.data.processes.length : null,
      marks: {
        serials: [facts.product_serial, facts.product_uuid].filter((serial) => serial !== ''),
        macs: macsOf(text('macs') ?? ''),
        instances: [facts.board_asset_tag].filter((tag) => INSTANCE.test(tag)),
      },
      unprivileged: facts.user !== '0',
      missing: (text('not-collected') ?? '')
        .split('\n')
        .filter((line) => line !== '')
        .slice(0, MAX_MISSING)
        .map((line) => line.slice(0, LINE_LENGTH)),
    },
    sections: SECTION_NAMES.map((name): ImportSection => {
      const outcome = outcomes[name];
      if (!outcome.ok) {
        return { name, sha256: null, zstdJson: null, problem: { code: outcome.code, reason: outcome.reason } };
      }
      const json = canonicalJson(outcome.data);

      return { name, sha256: sha256(json), zstdJson: new Uint8Array(zstdCompressSync(json)), problem: null };
    }),
  };
}

/*
 * /sys/class/net/eth0/address:02:fc:00:00:00:01
 */
function macsOf(text: string): string[] {
  const found = [...text.matchAll(/^\/sys\/class\/net\/([^/\n]+)\/address:((?:[0-9a-f]{2}:){5}[0-9a-f]{2})$/gim)];

  return [...new Set(found.map(([, , mac]) => (mac ?? '').toLowerCase()))]
    .filter((mac) => mac !== '00:00:00:00:00:00')
    .slice(0, MAX_MARKS);
}
