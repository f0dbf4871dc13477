import { inspect } from 'node:util';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { ProxyAddress, parseProxy, proxyFor } from '@selvage/shared/net/proxy.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';

const SECRET = 's3cret:with/odd@chars';
const encoded = encodeURIComponent(SECRET);
const collector = { host: 'collector.example', port: 8440 };
const chosen = (environment: Parameters<typeof proxyFor>[2], target = collector) =>
  proxyFor(target, null, environment)?.toString() ?? null;

describe('when the address of a proxy is read', () => {
  it.each([
    ['http://proxy.example:3128', 'proxy.example:3128'],
    ['http://proxy.example:3128/', 'proxy.example:3128'],
    ['http://proxy.example', 'proxy.example:80'],
    ['proxy.example:3128', 'proxy.example:3128'],
    ['http://192.0.2.1:8080', '192.0.2.1:8080'],
    ['http://[2001:db8::1]:8080', '[2001:db8::1]:8080'],
  ])('%s is %s', (text, address) => {
    expect(parseProxy(text, 'it').toString()).toBe(address);
    expect(parseProxy(text, 'it').authorization()).toBeNull();
  });

  it('credentials are decoded and go nowhere but into the header', () => {
    const proxy = parseProxy(`http://agent:${encoded}@proxy.example:3128`, 'it');

    expect(proxy.authorization()).toBe(`Basic ${Buffer.from(`agent:${SECRET}`).toString('base64')}`);
    expect(JSON.stringify(proxy)).toBe('"http://***@proxy.example:3128"');
    for (const text of [`${proxy}`, inspect(proxy, { depth: 9, showHidden: true }), JSON.stringify({ ...proxy })]) {
      expect(text).not.toContain('s3cret');
    }
  });

  it('any user and password come through as they are', () => {
    const user = fc.string({ unit: 'grapheme' }).filter((text) => text !== '' && !text.includes(':'));
    fc.assert(
      fc.property(user, fc.string({ unit: 'grapheme' }), (name, password) => {
        const text = `http://${encodeURIComponent(name)}:${encodeURIComponent(password)}@proxy.example:1`;
        const { authorization } = { authorization: parseProxy(text, 'it').authorization() ?? '' };
        expect(Buffer.from(authorization.slice('Basic '.length), 'base64').toString()).toBe(`${name}:${password}`);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    `https://agent:${encoded}@proxy.example:3128`,
    `socks5://agent:${encoded}@proxy.example`,
    `http://agent:${encoded}@proxy.example/path`,
    `http://agent:${encoded}@proxy.example?query`,
    `http://agent:${encoded}@`,
    `http://agent:${encoded}@proxy.example:99999`,
    'http://agent:%E0%A4%A@proxy.example',
    'http://a%3Ab:c@proxy.example',
    '',
  ])('%s is refused, and the error does not repeat it', (text) => {
    let error: unknown;
    try {
      parseProxy(text, 'HTTPS_PROXY');
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', message: expect.stringContaining('HTTPS_PROXY') });
    expect(error).toBeInstanceOf(CodedError);
    for (const secret of ['s3cret', '%E0', 'a%3A']) expect(inspect(error, { depth: 9 })).not.toContain(secret);
  });
});

describe('when the way to the collector is chosen', () => {
  const https_proxy = 'http://lower.example:1';
  const HTTPS_PROXY = 'http://UPPER.example:2';

  it('the setting comes first, then lower case, then upper case, then no proxy', () => {
    const setting = new ProxyAddress('own.example', 3, null);

    expect(proxyFor(collector, setting, { https_proxy, NO_PROXY: '*' })).toBe(setting);
    expect(proxyFor(collector, 'none', { https_proxy })).toBeNull();
    expect(chosen({ https_proxy, HTTPS_PROXY })).toBe('lower.example:1');
    expect(chosen({ HTTPS_PROXY })).toBe('upper.example:2');
    expect(chosen({})).toBeNull();
    expect(chosen({ https_proxy: '', HTTPS_PROXY })).toBeNull();
  });

  it('an environment that cannot be read is said, not passed over: going directly is not what was wanted', () => {
    expect(() => chosen({ HTTPS_PROXY: 'socks5://proxy' })).toThrow(
      expect.objectContaining({ code: 'SETTINGS_INVALID' }),
    );
  });

  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost', 'collector.localhost'])(
    '%s is this machine: only the setting leads there through a proxy',
    (host) => {
      const target = { host, port: 8440 };

      expect(chosen({ https_proxy }, target)).toBeNull();
      expect(proxyFor(target, new ProxyAddress('own.example', 3, null), {})?.host).toBe('own.example');
    },
  );

  it.each<[string, string, boolean]>([
    ['*', 'collector.example', true],
    ['collector.example', 'collector.example', true],
    ['COLLECTOR.example', 'collector.example', true],
    ['example', 'collector.example', true],
    ['.example', 'collector.example', true],
    ['*.example', 'collector.example', true],
    ['ample', 'collector.example', false],
    ['other.example,\tcollector.example', 'collector.example', true],
    ['other.example collector.example', 'collector.example', true],
    ['other.example', 'collector.example', false],
    ['collector.example.evil', 'collector.example', false],
    ['collector.example:8440', 'collector.example', true],
    ['collector.example:443', 'collector.example', false],
    ['collector.example.', 'collector.example', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3:8440', '10.1.2.3', true],
    ['10.1.2.3:1', '10.1.2.3', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/16', '10.1.2.3', false],
    ['10.0.0.0/x', '10.1.2.3', false],
    ['10.0.0.0/33', '10.1.2.3', false],
    ['2.3', '10.1.2.3', false],
    ['2001:db8::1', '2001:db8::1', true],
    ['[2001:db8::1]', '2001:db8::1', true],
    ['[2001:db8::1]:8440', '2001:db8::1', true],
    ['[2001:db8::1]:1', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8::1', true],
    ['2001:db9::/32', '2001:db8::1', false],
    ['', 'collector.example', false],
    [', ,', 'collector.example', false],
    ['.', 'collector.example', false],
  ])('NO_PROXY "%s" excepts %s: %s', (NO_PROXY, host, excepted) => {
    expect(chosen({ https_proxy, NO_PROXY }, { host, port: 8440 })).toBe(excepted ? null : 'lower.example:1');
    expect(chosen({ https_proxy, no_proxy: NO_PROXY, NO_PROXY: '' }, { host, port: 8440 })).toBe(
      excepted ? null : 'lower.example:1',
    );
  });
});
