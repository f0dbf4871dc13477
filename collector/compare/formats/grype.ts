// Grype: JSON. A GHSA record stands for the CVEs that it is related to; a package of a distribution for its source.
import { z } from 'zod';
import { cvesIn, Gathering, invalidReport, type ScannerFormat } from '../format.ts';

const match = z.looseObject({
  vulnerability: z.looseObject({ id: z.string(), severity: z.string().optional(), description: z.string().optional() }),
  relatedVulnerabilities: z.array(z.looseObject({ id: z.string() })).nullish(),
  artifact: z.looseObject({
    name: z.string(),
    version: z.string().optional(),
    upstreams: z.array(z.looseObject({ name: z.string() })).nullish(),
  }),
});
const report = z.looseObject({
  matches: z.array(match),
  source: z.looseObject({ type: z.string().optional(), target: z.unknown().optional() }).nullish(),
  descriptor: z.looseObject({ name: z.string().optional(), timestamp: z.string().optional() }).nullish(),
});

export const GRYPE: ScannerFormat = {
  name: 'grype',
  about: 'Grype, JSON',
  detect: (_, value) => typeof value === 'object' && value !== null && 'matches' in value && 'descriptor' in value,
  parse: (_, value) => {
    const parsed = report.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw invalidReport(`it is no report of Grype: ${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
    }
    const { matches, source, descriptor } = parsed.data;
    const found = new Gathering();
    const key = 'the one host';
    found.host(key, { names: [targetOf(source?.target)], at: descriptor?.timestamp ?? null });
    for (const { vulnerability, relatedVulnerabilities, artifact } of matches) {
      const ids = [vulnerability.id, ...(relatedVulnerabilities ?? []).map(({ id }) => id)];
      const own = cvesIn(vulnerability.id);
      found.add(key, own.length > 0 ? own : cvesIn(ids.join(' ')), {
        package: artifact.upstreams?.[0]?.name ?? artifact.name,
        ...{ version: artifact.version ?? null, title: vulnerability.description ?? null },
        severity: vulnerability.severity?.toLowerCase() ?? null,
      });
    }

    return found.report('Grype');
  },
};

/** What was scanned, where that has a name: an image; a folder has none. */
function targetOf(target: unknown): string | null {
  if (typeof target !== 'object' || target === null || !('userInput' in target)) return null;

  return typeof target.userInput === 'string' ? target.userInput : null;
}
