import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UpstreamHost } from '../../../src/config.ts';
import { type Envelope, parseEnvelope } from '../../../src/forward/envelope.ts';
import { resolveTarget } from '../../../src/forward/target.ts';
import { refusalOf } from './refusal.ts';

const api: UpstreamHost = {
  label: 'api.example',
  hostname: 'api.example',
  port: 443,
  authority: 'api.example',
};
const pay: UpstreamHost = {
  label: 'kpay.example:8443',
  hostname: 'kpay.example',
  port: 8443,
  authority: 'kpay.example:8443',
};
const six: UpstreamHost = {
  label: '[fd00::1]',
  hostname: 'fd00::1',
  port: 443,
  authority: '[fd00::1]',
};
const hosts = [api, pay, six];
const everyPath = [{ prefix: '/' }];

const call = (hostname?: unknown, path = '/pay'): Envelope =>
  parseEnvelope(Buffer.from(JSON.stringify({ method: 'POST', path, hostname })));

describe('the target of a call', () => {
  it('is the first host when none is named', () => {
    expect(resolveTarget(call(), hosts, everyPath).host).toBe(api);
    expect(resolveTarget(call(null), hosts, everyPath).host).toBe(api);
  });

  it.each([['kpay.example:8443'], ['KPAY.Example:8443']])(
    'is the listed host that is named, in any ASCII case: %s',
    (name) => {
      expect(resolveTarget(call(name), hosts, everyPath).host).toBe(pay);
    },
  );

  it('takes the path with it, exactly as given', () => {
    expect(resolveTarget(call('api.example', '/A%2fb//c?d=%20;e'), hosts, everyPath).path).toBe('/A%2fb//c?d=%20;e');
  });

  it.each([
    ['the empty name', ''],
    ['another name', 'evil.example'],
    ['a name below', 'x.api.example'],
    ['a name that ends in a listed one', 'evilapi.example'],
    ['a name that begins with a listed one', 'api.example.evil.example'],
    ['a dot at the end', 'api.example.'],
    ['a dot at the start', '.api.example'],
    ['two dots', 'api..example'],
    ['the default port written out', 'api.example:443'],
    ['another port', 'api.example:8443'],
    ['an empty port', 'api.example:'],
    ['a listed port left out', 'kpay.example'],
    ['a listed port with a zero in front', 'kpay.example:08443'],
    ['user information', 'user@api.example'],
    ['a listed name as user information', 'api.example@evil.example'],
    ['a listed name as user and password', 'api.example:443@evil.example'],
    ['a scheme', 'https://api.example'],
    ['a path', 'api.example/pay'],
    ['a query', 'api.example?x'],
    ['a fragment', 'evil.example#api.example'],
    ['a backslash', 'api.example\\@evil.example'],
    ['a space before', ' api.example'],
    ['a space after', 'api.example '],
    ['a tab after', 'api.example\t'],
    ['a line break', 'api.example\r\nHost: evil.example'],
    ['a NUL', 'api.example\0'],
    ['a NUL and another name', 'api.example\0.evil.example'],
    ['a zero-width space', 'api\u200b.example'],
    ['a soft hyphen', 'api\u00ad.example'],
    ['a fullwidth dot', 'api\uff0eexample'],
    ['an ideographic full stop', 'api\u3002example'],
    ['a fullwidth letter', '\uff41pi.example'],
    ['a Cyrillic letter', '\u0430pi.example'],
    ['the Kelvin sign for k', '\u212apay.example:8443'],
    ['the long s', 'api.example\u017f'],
    ['percent encoding', 'api%2eexample'],
    ['punycode', 'xn--api-example'],
    ['a list', 'api.example,kpay.example:8443'],
    ['the name of the whole list', 'api.example,'],
    ['localhost', 'localhost'],
    ['an IPv4 address', '127.0.0.1'],
    ['a short IPv4 address', '127.1'],
    ['a decimal IPv4 address', '2130706433'],
    ['a hexadecimal IPv4 address', '0x7f000001'],
    ['an octal IPv4 address', '0177.0.0.1'],
    ['the metadata address', '169.254.169.254'],
    ['an IPv6 address', '[::1]'],
    ['an IPv6 address without brackets', '::1'],
    ['braces for brackets', '{fd00::1}'],
    ['the same IPv6 address spelled otherwise', '[fd00:0::1]'],
    ['a mapped IPv4 address', '[::ffff:127.0.0.1]'],
    ['a name of Object', 'constructor'],
    ['the place in the list', '0'],
  ])('is none, with 403, for %s', (_, name) => {
    const refusal = refusalOf(() => resolveTarget(call(name), hosts, everyPath));
    expect(refusal).toMatchObject({ code: 'host_not_allowed', status: 403, outcome: 'not_processed' });
    if (name !== '') expect(refusal.message).not.toContain(name);
  });

  it('is a listed host or nothing, whatever the name', () => {
    const nearMiss = fc
      .tuple(
        fc.constantFrom(...hosts.map(({ label }) => label)),
        fc.nat(20),
        fc.nat(2),
        fc.string({ unit: 'binary', maxLength: 2 }),
      )
      .map(([label, at, cut, put]) => label.slice(0, at) + put + label.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(nearMiss, fc.string({ unit: 'binary' })), (hostname) => {
        const listed = hosts.find(
          ({ label }) => label === hostname.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()),
        );
        const envelope = { ...call(), hostname };
        if (listed === undefined) expect(refusalOf(() => resolveTarget(envelope, hosts, everyPath)).status).toBe(403);
        else expect(resolveTarget(envelope, hosts, everyPath).host).toBe(listed);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('with ALLOWED_PATHS', () => {
  const allowed = [{ method: 'POST', prefix: '/pay' }];

  it('a listed path has a target', () => {
    expect(resolveTarget(call(undefined, '/pay/x?y'), hosts, allowed)).toEqual({ host: api, path: '/pay/x?y' });
  });

  it('any other path is refused with 403', () => {
    const refusal = refusalOf(() => resolveTarget(call(undefined, '/payments'), hosts, allowed));
    expect(refusal).toMatchObject({ code: 'path_not_allowed', status: 403, outcome: 'not_processed' });
  });

  it('the host is refused first', () => {
    expect(refusalOf(() => resolveTarget(call('evil.example', '/x'), hosts, allowed)).code).toBe('host_not_allowed');
  });
});
