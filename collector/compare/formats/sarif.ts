// SARIF 2.1.0, as Trivy and Grype write it: the CVE is the rule or the start of it, the package stands in its texts. It names no host.
import { z } from 'zod';
import { cvesIn, Gathering, invalidReport, type ScannerFormat } from '../format.ts';

const message = z.looseObject({ text: z.string().optional() });
const rule = z.looseObject({
  id: z.string(),
  shortDescription: message.optional(),
  help: message.optional(),
  properties: z.looseObject({ 'security-severity': z.string().optional() }).optional(),
});
const run = z.looseObject({
  tool: z.looseObject({ driver: z.looseObject({ name: z.string(), rules: z.array(rule).optional() }) }),
  invocations: z.array(z.looseObject({ endTimeUtc: z.string().optional() })).optional(),
  results: z
    .array(
      z.looseObject({
        ruleId: z.string().optional(),
        ruleIndex: z.number().int().optional(),
        message: message.optional(),
      }),
    )
    .nullish(),
});
const report = z.looseObject({ version: z.literal('2.1.0'), runs: z.array(run).min(1) });

const MAX_TEXT = 64 * 1024;
/** Characters of the name of a product. */
const MAX_DRIVER = 64;

export const SARIF: ScannerFormat = {
  name: 'sarif',
  about: 'SARIF 2.1.0 of Trivy or Grype',
  detect: (_, value) => typeof value === 'object' && value !== null && 'runs' in value && 'version' in value,
  parse: (_, value) => {
    const parsed = report.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw invalidReport(`it is no SARIF 2.1.0: ${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
    }
    const found = new Gathering();
    const key = 'the one host';
    found.host(key, {});
    for (const { tool, results, invocations } of parsed.data.runs) {
      const rules = new Map((tool.driver.rules ?? []).map((each) => [each.id, each]));
      found.host(key, { at: invocations?.at(-1)?.endTimeUtc ?? null });
      for (const { ruleId, ruleIndex, message: said } of results ?? []) {
        const own = rules.get(ruleId ?? '') ?? tool.driver.rules?.[ruleIndex ?? -1];
        const text = `${said?.text ?? ''}\n${own?.help?.text ?? ''}`.slice(0, MAX_TEXT);
        const cves = cvesIn(ruleId ?? own?.id ?? '');
        found.add(key, cves, {
          ...packageIn(text),
          severity: own?.properties?.['security-severity'] ?? null,
          title: own?.shortDescription?.text ?? null,
        });
      }
    }

    return found.report(nameOf(parsed.data.runs[0]?.tool.driver.name ?? ''));
  },
};

/**
 * Trivy: `Package: openssl\nInstalled Version: 3.0.9-1`; Grype: the help text has `Package: openssl\nVersion: 3.0.9-1`.
 */
function packageIn(text: string): { readonly package: string | null; readonly version: string | null } {
  const named = /^Package: (\S+)/m.exec(text)?.[1] ?? null;
  const version = /^(?:Installed )?Version: (\S+)/m.exec(text)?.[1] ?? null;

  return { package: named, version };
}

function nameOf(driver: string): string {
  if (/^trivy$/i.test(driver)) return 'Trivy';

  if (/^grype$/i.test(driver)) return 'Grype';

  return /^[\x20-\x7e]+$/.test(driver.trim()) ? driver.trim().slice(0, MAX_DRIVER).trim() : 'a scanner';
}
