import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { describe, expect, it } from 'vitest';
import { decodeSettings, type Environment, urlHost } from './settings.ts';

const FILE = '/srv/selvage/settings.json';
const good = { listen: '127.0.0.1', names: ['collector.example.org'] };
const decode = (value: unknown, environment: Environment = {}) =>
  decodeSettings(JSON.stringify(value), FILE, environment);

/** `<where> <setting>` of every violation. */
function violations(value: unknown, environment: Environment = {}): readonly string[] {
  try {
    decode(value, environment);
  } catch (error) {
    if (!hasCode(error, 'SETTINGS_INVALID')) throw error;

    return (error.details.errors as { file: string; path: string }[]).map(({ file, path }) => `${file} ${path}`);
  }

  return [];
}

describe('when settings are right', () => {
  it('fills in what is left out, and nobody changes them later', () => {
    const settings = decode(good);

    expect(settings).toEqual({ ...good, gatewayPort: 7443, apiPort: 7444, logLevel: 'info' });
    expect(Object.isFrozen(settings) && Object.isFrozen(settings.names)).toBe(true);
  });

  it('takes the environment over the file, setting by setting', () => {
    const environment = {
      SELVAGE_LISTEN: '::',
      SELVAGE_NAMES: 'a.example.org, 2001:db8::1',
      SELVAGE_GATEWAY_PORT: '9443',
      SELVAGE_LOG_LEVEL: 'debug',
      SELVAGE_API_PORT: '',
      OTHER: 'x',
    };

    expect(decode({ ...good, apiPort: 9444 }, environment)).toEqual({
      listen: '::',
      names: ['a.example.org', '2001:db8::1'],
      gatewayPort: 9443,
      apiPort: 9444,
      logLevel: 'debug',
    });
  });

  it.each(['localhost', 'c', '10.0.0.1', '::1', 'a-b.example.org', 'xn--bcher-kva.example'])(
    'takes the name %s',
    (name) => {
      expect(decode({ ...good, names: [name] }).names).toEqual([name]);
    },
  );

  it('takes free ports for both', () => {
    expect(decode({ ...good, gatewayPort: 0, apiPort: 0 })).toMatchObject({ gatewayPort: 0, apiPort: 0 });
  });

  it('puts IPv6 addresses of a URL in brackets', () => {
    expect([urlHost('::1'), urlHost('a.example.org')]).toEqual(['[::1]', 'a.example.org']);
  });
});

describe('when settings are wrong', () => {
  it('says every violation at once, each with the file or variable it came from', () => {
    const value = { listen: 7, names: [], gatewayPort: 70_000, logLevel: 'loud', gatwayPort: 1, x: 2 };

    expect([...violations(value, { SELVAGE_API_PORT: 'http', SELVAGE_NAMES: 'ok, not ok' })].sort()).toEqual([
      `${FILE} gatewayPort`,
      `${FILE} gatwayPort`,
      `${FILE} listen`,
      `${FILE} logLevel`,
      `${FILE} x`,
      'SELVAGE_API_PORT apiPort',
      'SELVAGE_NAMES names.1',
    ]);
  });

  it.each([
    '',
    ' ',
    'https://a.example.org',
    'a.example.org:7443',
    '*.example.org',
    '999.1.1.1',
    '1.2.3',
    '-a',
    'a..b',
    '[::1]',
    '0.0.0.0',
    '::',
  ])('refuses the name "%s"', (name) => {
    expect(violations({ ...good, names: [name] })).toEqual([`${FILE} names.0`]);
  });

  it('refuses one port for both listeners', () => {
    expect(violations({ ...good, gatewayPort: 7444 })).toEqual([`${FILE} apiPort`]);
    expect(violations(good, { SELVAGE_API_PORT: '7443' })).toEqual(['SELVAGE_API_PORT apiPort']);
  });

  it.each(['', '{', '[]', 'null', '"text"'])('refuses the text %j', (text) => {
    expect(() => decodeSettings(text, FILE)).toThrow(expect.objectContaining({ code: 'SETTINGS_INVALID' }));
  });

  it('names the places in its message too', () => {
    expect(() => decode({ ...good, x: 1 })).toThrow(`${FILE}: x: no such setting`);
  });
});
