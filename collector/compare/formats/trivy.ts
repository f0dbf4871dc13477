// Trivy: JSON of version 2 (an object with Results), and the older list of results. A report about a file system names no host.
import { z } from 'zod';
import { cvesIn, Gathering, invalidReport, type ScannerFormat } from '../format.ts';

const vulnerability = z.looseObject({
  VulnerabilityID: z.string(),
  PkgName: z.string().optional(),
  SrcName: z.string().optional(),
  InstalledVersion: z.string().optional(),
  Severity: z.string().optional(),
  Title: z.string().optional(),
});
const result = z.looseObject({ Target: z.string().optional(), Vulnerabilities: z.array(vulnerability).nullish() });
const report = z.looseObject({
  SchemaVersion: z.number().optional(),
  CreatedAt: z.string().optional(),
  ArtifactName: z.string().optional(),
  ArtifactType: z.string().optional(),
  Results: z.array(result).nullish(),
});

export const TRIVY: ScannerFormat = {
  name: 'trivy',
  about: 'Trivy, JSON',
  detect: (_, value) => (Array.isArray(value) ? value.length > 0 && value.every(isOldResult) : isReport(value)),
  parse: (_, value) => {
    const read = readOf(value);
    if (read === null) throw invalidReport('it is no report of Trivy: Results is of another kind');
    const { ArtifactName, ArtifactType, CreatedAt } = { ArtifactName: '', ArtifactType: '', CreatedAt: '', ...read };
    const found = new Gathering();
    const key = 'the one host';
    // A path is no name of a machine; an image's name is none either, but what it is called when it is not found.
    const name = ArtifactType === 'filesystem' || ArtifactName.startsWith('/') ? null : ArtifactName;
    found.host(key, { names: [name], at: CreatedAt || null });
    for (const { Vulnerabilities } of read.Results ?? []) {
      for (const each of Vulnerabilities ?? []) {
        found.add(key, cvesIn(each.VulnerabilityID), {
          package: each.SrcName ?? each.PkgName ?? null,
          ...{ version: each.InstalledVersion ?? null, title: each.Title ?? null },
          severity: each.Severity?.toLowerCase() ?? null,
        });
      }
    }

    return found.report('Trivy');
  },
};

/** A report without findings has no Results at all. */
function readOf(value: unknown): z.output<typeof report> | null {
  if (!Array.isArray(value)) return report.safeParse(value).data ?? null;
  const results = z.array(result).safeParse(value).data;

  return results === undefined ? null : { Results: results };
}

function isReport(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'SchemaVersion' in value && 'ArtifactType' in value;
}

function isOldResult(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'Target' in value && ('Vulnerabilities' in value || 'Type' in value)
  );
}
