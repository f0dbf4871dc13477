// SPDX 2.2 and 2.3, as JSON and as tag-value: packages by their package URLs. Pure.
import { MAX_COMPONENTS, type SbomComponent, type SbomContent } from './components.ts';
import { systemOf } from './cyclonedx.ts';
import { scanInvalid } from './invalid.ts';
import { listOf, recordOf, textOf } from './json.ts';
import type { ScannedOs } from './subject.ts';

interface SpdxPackage {
  readonly name: string;
  readonly version: string;
  readonly id: string;
  readonly purpose: string;
  readonly sourceInfo: string;
  /** Type and locator of each. */
  readonly references: readonly (readonly [type: string, locator: string])[];
}

/** Throws SCAN_INVALID. */
export function readSpdxJson(document: Readonly<Record<string, unknown>>, file: string): SbomContent {
  const packages = listOf(document.packages).map((each): SpdxPackage => {
    const one = recordOf(each);

    return {
      ...{ name: textOf(one.name), version: textOf(one.versionInfo), id: textOf(one.SPDXID) },
      ...{ purpose: textOf(one.primaryPackagePurpose), sourceInfo: textOf(one.sourceInfo) },
      references: listOf(one.externalRefs).map((reference) => {
        const { referenceType, referenceLocator } = recordOf(reference);

        return [textOf(referenceType), textOf(referenceLocator)] as const;
      }),
    };
  });

  return contentOf('spdx-json', file, packages);
}

/*
 * PackageName: bash
 * SPDXID: SPDXRef-Package-5a18334f22149877
 * PackageVersion: 4.2.46
 * PackageSourceInfo: built package from: bash 4.2.46-31.el7
 * ExternalRef: PACKAGE-MANAGER purl pkg:rpm/centos/bash@4.2.46-31.el7?arch=x86_64&distro=centos-7.6.1810
 */
/** Throws SCAN_INVALID. */
export function readSpdxTagValue(text: string, file: string): SbomContent {
  const packages: { -readonly [K in keyof SpdxPackage]: SpdxPackage[K] }[] = [];
  let inText = false;

  for (const line of text.split('\n')) {
    // Texts over several lines may hold anything, also lines that look like tags.
    if (inText) inText = !line.includes('</text>');
    else {
      inText = line.includes('<text>') && !line.includes('</text>');
      const [, tag = '', value = ''] = /^([A-Za-z]+):\s*(.*?)\s*$/.exec(line) ?? [];
      if (tag === 'PackageName') {
        packages.push({ name: value, version: '', id: '', purpose: '', sourceInfo: '', references: [] });
        if (packages.length > MAX_COMPONENTS) throw scanInvalid(`${file} has more than ${MAX_COMPONENTS} packages`);
      }
      const one = packages.at(-1);
      if (one === undefined) continue;
      if (tag === 'PackageVersion') one.version = value;
      else if (tag === 'SPDXID' && one.id === '') one.id = value;
      else if (tag === 'PrimaryPackagePurpose') one.purpose = value;
      else if (tag === 'PackageSourceInfo') one.sourceInfo = value.replace(/<\/?text>/g, '');
      else if (tag === 'ExternalRef') {
        const [, type = '', locator = ''] = value.split(/\s+/);
        one.references = [...one.references, [type, locator]];
      }
    }
  }

  return contentOf('spdx-tag-value', file, packages);
}

function contentOf(kind: 'spdx-json' | 'spdx-tag-value', file: string, packages: readonly SpdxPackage[]): SbomContent {
  if (packages.length > MAX_COMPONENTS) throw scanInvalid(`${file} has more than ${MAX_COMPONENTS} packages`);
  const systems = packages.filter(isSystem);
  const described = packages.filter((one) => !isSystem(one) && !isWhole(one));

  return {
    kind,
    file,
    os: systems.map(osIn).find((os) => os !== null) ?? null,
    components: described.map(componentIn),
  };
}

function isSystem({ purpose, id }: SpdxPackage): boolean {
  return purpose.toUpperCase().replaceAll('_', '-') === 'OPERATING-SYSTEM' || id.startsWith('SPDXRef-OperatingSystem');
}

/** The image, folder or file that the document is about. */
function isWhole({ purpose, id, references }: SpdxPackage): boolean {
  if (references.some(([type]) => type === 'purl')) return false;

  return (
    /^(CONTAINER|FILE|ARCHIVE)$/i.test(purpose) ||
    /^SPDXRef-(ContainerImage|DocumentRoot|Filesystem|Application)/.test(id)
  );
}

/** Clair writes ID and VERSION_ID beside the package. */
function osIn({ name, version, references }: SpdxPackage): ScannedOs | null {
  const said = new Map(references);

  return systemOf(said.get('did') ?? name, said.get('version_id') ?? version);
}

function componentIn({ name, version, sourceInfo, references }: SpdxPackage): SbomComponent {
  const purl = references.find(([type]) => type === 'purl')?.[1] ?? '';
  // As trivy writes it.
  const [, source, sourceVersion] = /^built package from: (\S+) (\S+)$/.exec(sourceInfo) ?? [];

  return {
    label: `${name} ${version}`.trim().slice(0, 200) || 'a package without a name',
    purl: purl === '' ? null : purl,
    ...{ name: source, version: sourceVersion },
  };
}
