// Module streams of rpm distributions: a fix in nodejs:18 says nothing of nodejs:16, whatever their versions, and nothing of a package
// that is built outside of modules.
import type { Rule } from './rule.ts';
import type { Software } from './software.ts';

/** `.module+el8.9.0+…` and `.module_el8.9.0+…` in a release: the build belongs to a module. */
const MODULAR = /\.module[+_]/;

/**
 * Null: the rule speaks of this kind of build. `not-affected`: of another stream. `unknown`: this build is of a module, and which of
 * its streams it is nobody told.
 */
export function streamVerdict(software: Software, rule: Rule): 'not-affected' | 'unknown' | null {
  const modular = software.module !== null || MODULAR.test(software.version);
  if (rule.module !== undefined) {
    if (!modular) return 'not-affected';
    if (software.module === null) return 'unknown';

    return streamOf(software.module) === streamOf(rule.module) ? null : 'not-affected';
  }
  const ruleModular = rule.ranges.some((range) => MODULAR.test(range.fixed ?? range.lastAffected ?? ''));

  return ruleModular && !modular ? 'not-affected' : null;
}

/** `nodejs:18` of `nodejs:18:8090020231031152434:a75119d5` (name, stream, version, context). */
function streamOf(module: string): string {
  return module.split(':', 2).join(':');
}
