// How a scan refuses what says nothing. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

export const HOW_TO_NAME_THE_OS = 'name the release: --os-release FILE (a copy of /etc/os-release of that system)';

export function scanInvalid(message: string, next?: string, cause?: unknown): CodedError {
  return new CodedError('SCAN_INVALID', message, {
    ...(next === undefined ? {} : { next }),
    ...(cause === undefined ? {} : { cause }),
  });
}
