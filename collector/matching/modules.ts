// Module streams of rpm distributions: a fix in nodejs:18 says nothing of nodejs:16, whatever their versions, and nothing of a package
// that is built outside of modules.
import type { Rule } from './rule.ts';
import type { Software } from './software.ts';

/** `.module+el8.9.0+…` and `.module_el8.9.0+…` in a release: the build belongs to a module. */
const MODULAR = /\.module[+_]/;

/** Whether the build belongs to a module, also where nobody told to which. */
export function isModular({ module, version }: Software): boolean {
  return module !== null || MODULAR.test(version);
}

/**
 * Null: the rule speaks of this kind of build. `not-affected`: of another stream. `unknown`: this build is of a module, and which of
 * its streams it is nobody told.
 */
export function streamVerdict(software: Software, rule: Rule): 'not-affected' | 'unknown' | null {
  const modular = isModular(software);
  const meant = buildOf(rule);
  if (meant === 'any') return null;
  if (modular !== (meant === 'modular')) return 'not-affected';
  if (rule.module === undefined || meant === 'plain') return null;
  if (software.module === null) return 'unknown';

  return streamsOf(rule.module).includes(streamOf(software.module)) ? null : 'not-affected';
}

/** What a stream has to do with it, for evidence; empty where nothing. */
export function streamWords(software: Software, rule: Rule): string {
  const verdict = streamVerdict(software, rule);
  const build = buildOf(rule);
  const own = software.module === null ? null : streamOf(software.module);
  if (verdict === null) return build === 'modular' && rule.module !== undefined ? `, in module ${own}` : '';
  const modular = rule.module === undefined ? 'builds of a module' : `module ${rule.module}`;
  const meant = build === 'modular' ? modular : 'builds outside of modules';
  if (verdict === 'unknown') return `, but only in ${meant}, and of which stream this build is nobody told`;

  return `, but only in ${meant}${own === null ? '' : `, and this build is of module ${own}`}`;
}

/**
 * Which kind of build a rule speaks of; `any` where it names neither version nor stream. The version of the fix counts before the stream:
 * a title such as "python3:3.6.8 security update" names no module.
 */
function buildOf(rule: Rule): 'modular' | 'plain' | 'any' {
  let isNamed = false;
  // Asked for each rule of a kernel: no list of its versions is made.
  for (const { fixed, lastAffected } of rule.ranges) {
    const version = fixed ?? lastAffected;
    if (version === null) continue;
    if (MODULAR.test(version)) return 'modular';
    isNamed = true;
  }
  if (isNamed) return 'plain';

  return rule.module === undefined ? 'any' : 'modular';
}

/** An announcement may be for several streams: `mariadb:10.3 mariadb-devel:10.3`. */
function streamsOf(module: string): readonly string[] {
  return module.split(/[\s,]+/).map(streamOf);
}

/** rpm's label: name:stream:version:context, of some builders with an architecture. */
const LABEL = /^[\w.+-]+:[\w.+-]+(?::|$)/;

/**
 * `nodejs:18` of the label of a package; null where there is none, or what stands there is no label. That says nothing of a build whose
 * release has the mark of modules: Oracle and AlmaLinux served such builds without labels for years.
 */
export function streamOfLabel(label: string | null | undefined): string | null {
  return label && LABEL.test(label) ? streamOf(label) : null;
}

/** `nodejs:18` of `nodejs:18:8090020231031152434:a75119d5` (name, stream, version, context). */
function streamOf(module: string): string {
  return module.split(':', 2).join(':');
}

/** What a title names: `Important: nodejs:18 security update` (or 389-ds:1.4). The stream is written nowhere else in some feeds. */
const IN_TITLE = /(?<![\w:./+-])(?:\d{1,6}-)?[a-z][\w.+-]*:[\w][\w.+-]*/g;

/** Streams that the title of an announcement names, for `Rule.module`; null when it names none. */
export function streamsInTitle(title: string): string | null {
  const streams = title.match(IN_TITLE) ?? [];

  return streams.length === 0 ? null : [...new Set(streams)].join(' ');
}
