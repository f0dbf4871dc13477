import { expect, it } from 'vitest';
import { type Doubt, identityAlarms, MAX_IDENTITIES_NAMED } from './identities.ts';

const AT = '2026-11-23T12:00:00Z';
const doubt = (name: string, over: Partial<Doubt> = {}): Doubt => ({ name, quarantine: null, knock: null, ...over });
const cloned = { at: AT, reason: 'cloned' } as const;
const knock = { at: AT, address: '10.0.0.9', code: 'HOST_AWAY_TOO_LONG' } as const;

it('an identity in two places is critical, and says where to look', () => {
  expect(identityAlarms([doubt('web-1', { quarantine: cloned, knock })])).toMatchObject([
    { severity: 'critical', kind: 'host-quarantined', subject: 'web-1', next: 'selvage host show web-1' },
  ]);
});

it('a host that knocks is urgent, with the address it knocks from and the command that opens', () => {
  const [alarm, ...others] = identityAlarms([doubt('web-1', { knock }), doubt('web-2')]);

  expect(others).toEqual([]);
  expect(alarm).toMatchObject({ severity: 'urgent', kind: 'host-refused', subject: 'web-1' });
  expect(alarm?.message).toContain('HOST_AWAY_TOO_LONG, from 10.0.0.9');
  expect(alarm?.next).toMatch(/^selvage host readmit web-1/);
});

it('an old copy of a host that goes on is told apart: nobody is asked to let it in', () => {
  const [alarm] = identityAlarms([doubt('web-1', { knock: { ...knock, code: 'CERTIFICATE_SUPERSEDED' } })]);

  expect(alarm).toMatchObject({ severity: 'warning', kind: 'host-refused', subject: 'web-1' });
  expect(alarm?.next).not.toContain('readmit');
});

it('a fleet of them is named up to a bound and counted beyond', () => {
  const all = Array.from({ length: MAX_IDENTITIES_NAMED + 7 }, (_, index) =>
    doubt(`h${index}`, { quarantine: cloned }),
  );
  const alarms = identityAlarms(all);

  expect(alarms).toHaveLength(MAX_IDENTITIES_NAMED + 1);
  expect(alarms.at(-1)?.message).toContain('7 more hosts');
});
