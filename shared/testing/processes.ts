// What runs on this machine right now, from /proc: for tests that show that nothing was left behind.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Command lines, arguments separated by spaces. A process that ends while it is read is left out. */
export function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [
          readFileSync(join('/proc', name, 'cmdline'), 'utf8')
            .replaceAll('\0', ' ')
            .trim(),
        ];
      } catch {
        return [];
      }
    });
}
