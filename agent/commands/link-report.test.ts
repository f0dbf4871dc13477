import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import type { Context } from './context.ts';
import { createLinkReport, readLinkFacts } from './link-report.ts';

const folder = temporaryFolder('link-report');
let files = 0;

async function after(...codes: readonly Code[]) {
  const path = join(folder, `${files++}.json`);
  const context = { clock: fakeClock('2026-03-01T12:00:00Z'), log: silentLog } as unknown as Context;
  const report = await createLinkReport(path, context);
  report.note({ type: 'connected', collectorVersion: '1', clockSkewMs: 0 });
  for (const code of codes) report.note({ type: 'problem', error: new CodedError(code, 'x') });
  report.note({ type: 'policy', timestampVersion: 7 });
  await report.settled();

  return (await readLinkFacts(path))?.problem?.code ?? null;
}

describe('when policy was mirrored', () => {
  it('what was wrong with the mirror is over; what is wrong with a clock or a certificate is not', async () => {
    expect(await after('POLICY_INVALID')).toBeNull();
    expect(await after('CLOCK_WRONG')).toBe('CLOCK_WRONG');
    expect(await after('CERTIFICATE_EXPIRED')).toBe('CERTIFICATE_EXPIRED');
    expect(await after('CERTIFICATE_EXPIRED', 'CLOCK_WRONG')).toBe('CLOCK_WRONG');
  });
});
