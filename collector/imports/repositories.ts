// Where a machine's packages come from, by the files of apt, dnf or zypper that collect.sh copied. Pure. How old its lists are is
// not known, so that none may be believed.
import type { Section } from '@selvage/shared/model/inventory.ts';
import { listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import { parseDeb822, parseOneLine, type SourceEntry } from '@selvage/shared/packages/apt-sources.ts';
import { parseRepoFile } from '@selvage/shared/packages/rpm-repositories.ts';

type Repositories = Section<'repositories'>;

const UNKNOWN = {
  ...{ origin: null, label: null, codename: null, security: false },
  ...{ lastRefresh: null, lastAttempt: null, date: null, validUntil: null },
  problem: {
    code: 'NOT_BUILT' as const,
    reason: 'it was imported by file: whether its lists are fresh and signed was not collected',
  },
};

/** Throws SETTINGS_INVALID for a source that apt itself would refuse. */
export function parseRepositories(text: string, family: readonly string[]): Repositories {
  const files = filesOf(text);
  const apt = files.flatMap(({ path, content }): readonly SourceEntry[] => {
    if (path.endsWith('.sources')) return parseDeb822(content, path);

    return path.endsWith('.list') ? parseOneLine(content, path) : [];
  });
  const untrusted = new Set(
    apt
      .filter(({ options }) => options.get('trusted') === 'yes')
      .flatMap((entry) => listRepositories([entry]).map(({ id }) => id)),
  );
  const zypper = family.some((name) => name.includes('suse') || name === 'sles');
  const rpm = files
    .filter(({ path }) => path.endsWith('.repo'))
    .flatMap(({ content }) => parseRepoFile(content))
    .map(({ id, uri, signed }): Repositories[number] => ({
      ...{ id, provider: zypper ? 'zypper' : 'dnf', uri, suite: id, components: [], signed, ...UNKNOWN },
    }));

  return [
    ...listRepositories(apt).map(({ id, uri, suite, components }): Repositories[number] => ({
      ...{ id, provider: 'apt', uri, suite, components: [...components], signed: !untrusted.has(id), ...UNKNOWN },
    })),
    ...new Map(rpm.map((each) => [each.id, each])).values(),
  ];
}

interface CopiedFile {
  readonly path: string;
  readonly content: string;
}

/** Each file stands behind a line `# file PATH`. */
function filesOf(text: string): readonly CopiedFile[] {
  return text
    .split(/^# file (?=\/)/m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');

      return { path: part.slice(0, end), content: part.slice(end + 1) };
    });
}
