// The npm packages that a workspace really brings, worked out from the lock file: its dependencies and theirs, found as node
// finds them. Pure. Development tools and the other workspaces stay out.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import * as z from 'zod';

const names = z.record(z.string(), z.string()).optional();
const lock = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      link: z.boolean().optional(),
      resolved: z.string().optional(),
      dependencies: names,
      optionalDependencies: names,
    }),
  ),
});
type Packages = z.infer<typeof lock>['packages'];

/** What a package brings that neither Node nor the lock file tells of (see scripts/package/runtime.ts). */
export const bundled = z.strictObject({
  components: z.array(z.strictObject({ name: z.string(), version: z.string(), purl: z.string() })),
});

/** The package URL of a component: how advisories name it. `type` is an ecosystem of the purl specification. */
export function purlOf(type: 'generic' | 'npm', name: string, version: string): string {
  const path = name.split('/').map(encodeURIComponent).join('/');

  return `pkg:${type}/${path}@${encodeURIComponent(version)}`;
}

export interface ShippedPackage {
  readonly name: string;
  readonly version: string;
}

/** `content` is a package-lock.json of version 3, `workspace` the folder in it. Throws PARSE when it is none. */
export function shippedPackages(content: unknown, workspace: string): readonly ShippedPackage[] {
  const read = lock.safeParse(content);
  if (!read.success || !read.data.packages[workspace]) {
    throw new CodedError('PARSE', `the lock file does not know the workspace ${workspace}`, { cause: read.error });
  }

  const { packages } = read.data;
  const seen = new Set<string>();
  const waiting = [workspace];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const { dependencies, optionalDependencies } = packages[key] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = resolve(packages, key, name);
      if (found !== null) waiting.push(found);
    }
  }

  return [...seen]
    .filter((key) => key.includes('node_modules/'))
    .map((key) => ({
      name: key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: packages[key]?.version ?? '',
    }))
    .filter(({ version }) => version !== '')
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The nearest node_modules upwards; a link leads to the workspace it names. */
function resolve(packages: Packages, from: string, name: string): string | null {
  for (let folder = from; ; folder = folder.replace(/(^|\/)[^/]*$/, '')) {
    const key = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const entry = packages[key];
    if (entry) return entry.link && entry.resolved ? entry.resolved : key;
    if (folder === '') return null;
  }
}
