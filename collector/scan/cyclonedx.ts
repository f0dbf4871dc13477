// CycloneDX 1.2 to 1.7 as JSON: components (also those inside of others) by their package URLs. Pure. What trivy says in properties
// about sources is used; everything else is passed over.
import { ecosystemOf } from '../matching/ecosystem.ts';
import { MAX_COMPONENTS, type SbomComponent, type SbomContent } from './components.ts';
import { scanInvalid } from './invalid.ts';
import { listOf, recordOf, textOf } from './json.ts';
import type { ScannedOs } from './subject.ts';

const PROPERTY = 'aquasecurity:trivy:';
/** Names of systems where an SBOM has no ID of os-release(5). */
const SPELLINGS: Readonly<Record<string, string>> = { redhat: 'rhel', alma: 'almalinux', amazon: 'amzn', oracle: 'ol' };

/** Throws SCAN_INVALID. */
export function readCycloneDx(document: Readonly<Record<string, unknown>>, file: string): SbomContent {
  const components: SbomComponent[] = [];
  let os: ScannedOs | null = null;
  const waiting: unknown[] = [recordOf(document.metadata).component, ...listOf(document.components)];

  // A list instead of calls: an SBOM may be nested deeper than a stack.
  for (let at = 0; at < waiting.length; at += 1) {
    if (waiting.length > MAX_COMPONENTS) throw scanInvalid(`${file} has more than ${MAX_COMPONENTS} components`);
    const one = recordOf(waiting[at]);
    waiting.push(...listOf(one.components));
    const type = textOf(one.type);
    if (type === 'operating-system') os ??= systemOf(textOf(one.name), textOf(one.version));
    else if (at > 0 && (type === 'library' || textOf(one.purl) !== '')) components.push(componentIn(one));
  }

  return { kind: 'cyclonedx', file, os, components };
}

/** What is known under that name, or null: it is then no word about packages. */
export function systemOf(name: string, version: string): ScannedOs | null {
  const plain = name.trim().toLowerCase();
  const id = (Object.hasOwn(SPELLINGS, plain) ? SPELLINGS[plain] : undefined) ?? plain;
  if (id === '') return null;
  const release = version.split(' ', 1)[0] ?? '';

  return ecosystemOf(id, release) === null && release === ''
    ? null
    : { id, version: release, prettyName: `${name} ${version}`.trim() };
}

function componentIn(one: Readonly<Record<string, unknown>>): SbomComponent {
  const properties = new Map(
    listOf(one.properties).map((each): [string, string] => {
      const { name, value } = recordOf(each);

      return [textOf(name).replace(PROPERTY, ''), textOf(value)];
    }),
  );
  const name = properties.get('SrcName') || undefined;
  const version = joined(properties.get('SrcEpoch'), properties.get('SrcVersion'), properties.get('SrcRelease'));
  const module = properties.get('Modularitylabel') || properties.get('syft:metadata:modularityLabel') || undefined;
  const purl = textOf(one.purl);

  return {
    label: `${textOf(one.name)} ${textOf(one.version)}`.trim().slice(0, 200) || 'a component without a name',
    purl: purl === '' ? null : purl,
    ...{ name, version, module },
  };
}

function joined(
  epoch: string | undefined,
  version: string | undefined,
  release: string | undefined,
): string | undefined {
  if (!version) return undefined;

  return `${epoch && epoch !== '0' ? `${epoch}:` : ''}${version}${release ? `-${release}` : ''}`;
}
