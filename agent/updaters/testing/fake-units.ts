// Units in memory that behave as systemd 252 was seen to behave; systemd.test.ts holds both against the same steps. They can be cut
// off at any change, as a crash would.
import type { UnitFacts, Units } from '../units.ts';

export interface FakeUnit {
  /** Enabled in /etc: a link that no mask touches. */
  enabled: boolean;
  /** Without [Install]. */
  isStatic: boolean;
  mask: 'none' | 'persistent' | 'runtime' | 'both';
  active: 'active' | 'inactive' | 'failed' | 'activating';
  /** Its own file lies in /etc/systemd/system. */
  own: boolean;
}

export interface FakeUnits extends Units {
  readonly all: Map<string, FakeUnit>;
  /** Called before each change; throws to cut it off. */
  before: (change: string) => void;
}

export function fakeUnit(over: Partial<FakeUnit> = {}): FakeUnit {
  return { enabled: true, isStatic: false, mask: 'none', active: 'active', own: false, ...over };
}

export function fakeUnits(units: Readonly<Record<string, FakeUnit>>): FakeUnits {
  const all = new Map(Object.entries(units).map(([name, unit]) => [name, { ...unit }]));
  const unitOf = (name: string) => {
    const unit = all.get(name);
    if (unit === undefined) throw new Error(`Unit ${name} not found.`);

    return unit;
  };
  const self: FakeUnits = {
    all,
    before: () => undefined,
    running: true,
    look: async (names) =>
      names.flatMap((name) => {
        const unit = all.get(name);

        return unit === undefined ? [] : [factsOf(name, unit)];
      }),
    mask: async (name) => {
      self.before(`mask ${name}`);
      const unit = unitOf(name);
      if (unit.own) throw new Error(`Failed to mask unit: File /etc/systemd/system/${name} already exists.`);
      unit.mask = unit.mask === 'runtime' || unit.mask === 'both' ? 'both' : 'persistent';
      // A waiting timer that is masked fails at the reload; a running service runs on.
      if (name.endsWith('.timer') && unit.active === 'active') unit.active = 'failed';
    },
    unmask: async (name) => {
      self.before(`unmask ${name}`);
      const unit = unitOf(name);
      unit.mask = unit.mask === 'runtime' || unit.mask === 'both' ? 'runtime' : 'none';
    },
    stop: async (name) => {
      self.before(`stop ${name}`);
      const unit = unitOf(name);
      if (unit.active === 'active') unit.active = 'inactive';
    },
    start: async (name) => {
      self.before(`start ${name}`);
      const unit = unitOf(name);
      if (unit.mask !== 'none') throw new Error(`Failed to start ${name}: Unit ${name} is masked.`);
      const service = all.get(name.replace(/[.]timer$/, '.service'));
      if (name.endsWith('.timer') && service !== undefined && service.mask !== 'none') {
        throw new Error('Refusing to start, unit to trigger not loaded.');
      }
      unit.active = 'active';
    },
  };

  return self;
}

function factsOf(name: string, unit: FakeUnit): UnitFacts {
  const { enabled, isStatic, mask, active, own } = unit;
  const state =
    mask === 'persistent' || mask === 'both'
      ? 'masked'
      : mask === 'runtime'
        ? 'masked-runtime'
        : enabled
          ? 'enabled'
          : isStatic
            ? 'static'
            : 'disabled';

  return { name, state, active, next: null, maskable: !own };
}
