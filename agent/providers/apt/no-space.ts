// Whether apt or dpkg found no room. Pure. It says nothing about where; ./space.ts names the file system.

/*
 * With LC_MESSAGES=C; the number is that of errno(3), the words are strerror(3)'s:
 *   E: Write error - write (28: No space left on device)
 *   E: Failed to fetch copy:/x/InRelease  Error writing to file - write (28: No space left on device) [IP: …]
 *   E: You don't have enough free space in /var/lib/selvage-agent/runner/apt/cache/archives/.
 *   dpkg: error processing archive x.deb (--unpack): cannot copy extracted data for './x' to '/x.dpkg-new': failed to write (No space left on device)
 */
const FULL = /No space left on device|Disk quota exceeded|You don't have enough free space in /;

export function saysFull(words: string): boolean {
  return FULL.test(words);
}
