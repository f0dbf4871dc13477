import { CODES } from '@selvage/shared/errors/codes.ts';
import { expect, it } from 'vitest';
import { errorPage } from './error-page.ts';

it('a code has its page', async () => {
  expect(await errorPage('HOST_QUARANTINED')).toMatch(/^# HOST_QUARANTINED\n[\s\S]*## What to do/);
});

it('where the pages were not installed, the code says what it knows', async () => {
  const page = await errorPage('CLOCK_WRONG', '/nonexistent');

  expect(page).toContain('Exit code 1; rule `page`');
  expect(page).toContain(`next: ${CODES.CLOCK_WRONG.next}`);
});
