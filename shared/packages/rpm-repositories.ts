// Repositories as the .repo files of dnf, yum and zypper name them (dnf.conf(5)). Pure.

export interface RpmRepository {
  readonly id: string;
  /** The first base URL, else the list of mirrors. Variables ($releasever) stay as they are. */
  readonly uri: string;
  /** Packages must be signed. */
  readonly signed: boolean;
}

/*
 * [baseos]
 * name=Rocky Linux $releasever - BaseOS
 * mirrorlist=https://mirrors.rockylinux.org/mirrorlist?arch=$basearch
 * gpgcheck=1
 * enabled=1
 */
/** Enabled ones only; a file without any gives none. */
export function parseRepoFile(text: string): readonly RpmRepository[] {
  return text
    .split(/^\[(?=[^\]\n]+\]\s*$)/m)
    .slice(1)
    .flatMap((part) => {
      const id = part.slice(0, part.indexOf(']')).trim();
      const value = (key: string) => new RegExp(`^${key}[ \\t]*=[ \\t]*(.*)$`, 'm').exec(part)?.[1]?.trim();
      const uri = value('baseurl') || value('mirrorlist') || value('metalink');
      const enabled = !['0', 'no', 'false'].includes((value('enabled') ?? '1').toLowerCase());
      const signed = ['1', 'yes', 'true'].includes((value('gpgcheck') ?? '0').toLowerCase());

      return enabled && uri && id !== 'main' ? [{ id, uri: withoutPassword(uri.split(/\s+/)[0] ?? uri), signed }] : [];
    });
}

/** What is reported and shown is no place for credentials. */
function withoutPassword(uri: string): string {
  return uri.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1');
}
