// Local accounts that may log in, from passwd(5). Accounts of a directory service are not on the host and not listed.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { readText } from '../files.ts';

const NO_LOGIN = ['nologin', 'false', 'sync', 'shutdown', 'halt', 'true'];

export async function collectUsers(context: InventoryContext): Promise<Section<'users'>> {
  const text = await readText(context.at('etc/passwd'));
  if (text === null) throw new CodedError('NOT_FOUND', 'this host has no /etc/passwd');

  return parsePasswd(text).filter(({ shell }) => !NO_LOGIN.includes(shell.split('/').at(-1) ?? ''));
}

/*
 * root:x:0:0:root:/root:/bin/bash
 */
export function parsePasswd(text: string): Section<'users'> {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !/^[+-]/.test(line))
    .map((line) => {
      const [name, , uid, gid, , home, shell, ...rest] = line.split(':');
      if (!name || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '') || shell === undefined || rest.length > 0) {
        throw new CodedError('PARSE', `/etc/passwd has a line that is not understood: ${JSON.stringify(line)}`);
      }

      // passwd(5): an empty shell is /bin/sh.
      return { name, uid: Number(uid), shell: shell || '/bin/sh', home: home ?? '' };
    });
}
