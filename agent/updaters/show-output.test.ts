import { describe, expect, it } from 'vitest';
import { parseShow } from './show-output.ts';

const TEXT = `NextElapseUSecRealtime=Tue 2026-11-24 06:32:27 UTC
Id=apt-daily-upgrade.timer
LoadState=loaded
ActiveState=active
UnitFileState=enabled

Id=apt-daily-upgrade.service
LoadState=loaded
ActiveState=inactive
UnitFileState=static

NextElapseUSecRealtime=
Id=nope.timer
LoadState=not-found
ActiveState=inactive
UnitFileState=
`;
const NAMES = ['apt-daily-upgrade.timer', 'apt-daily-upgrade.service', 'nope.timer'];

describe('when systemctl show tells of units', () => {
  it('those that exist are there, with state and next time', () => {
    expect(parseShow(TEXT, NAMES).map((unit) => ({ ...unit, next: unit.next?.toString() ?? null }))).toEqual([
      { name: NAMES[0], state: 'enabled', active: 'active', next: '2026-11-24T06:32:27Z' },
      { name: NAMES[1], state: 'static', active: 'inactive', next: null },
    ]);
  });

  it.each([
    ['another number of units', TEXT, ['a.timer']],
    ['a unit without a state', 'Id=a.timer\n', ['a.timer']],
    ['a time that is none', TEXT.replace('Tue 2026-11-24 06:32:27 UTC', 'tomorrow'), NAMES],
    ['a time of another zone', TEXT.replace('UTC', 'CET'), NAMES],
    ['nothing', '', ['a.timer']],
  ])('%s is refused, never a shorter list', (_, text, names) => {
    expect(() => parseShow(text, names)).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });
});
