import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { problemsOf } from '../support/problems.ts';

const KEY = 'abcdefghijklmnopqrstuvwxyz_-0123456789ABC';

function problemsWith(env: Record<string, string>): Promise<readonly string[]> {
  return problemsOf(env, () => loadConfig(env));
}

describe('UPSTREAM_HOSTS', () => {
  const hostsIn = (value: string) => loadConfig({ UPSTREAM_HOSTS: value }).upstreamHosts;

  it.each([
    ['Pay.Example', { label: 'pay.example', hostname: 'pay.example', port: 443, authority: 'pay.example' }],
    ['pay.example:443', { label: 'pay.example:443', hostname: 'pay.example', port: 443, authority: 'pay.example' }],
    [
      'pay.example:8443',
      { label: 'pay.example:8443', hostname: 'pay.example', port: 8443, authority: 'pay.example:8443' },
    ],
    ['localhost:1', { label: 'localhost:1', hostname: 'localhost', port: 1, authority: 'localhost:1' }],
    ['127.0.0.1', { label: '127.0.0.1', hostname: '127.0.0.1', port: 443, authority: '127.0.0.1' }],
    ['[::1]', { label: '[::1]', hostname: '::1', port: 443, authority: '[::1]' }],
    [
      '[2001:DB8::1]:65535',
      { label: '[2001:db8::1]:65535', hostname: '2001:db8::1', port: 65_535, authority: '[2001:db8::1]:65535' },
    ],
    [
      'xn--bj0bj06e.example',
      { label: 'xn--bj0bj06e.example', hostname: 'xn--bj0bj06e.example', port: 443, authority: 'xn--bj0bj06e.example' },
    ],
    ['3com.example', { label: '3com.example', hostname: '3com.example', port: 443, authority: '3com.example' }],
  ])('takes %s', (value, host) => {
    expect(hostsIn(value)).toEqual([host]);
  });

  it('takes several, spaces around them ignored, in their order', () => {
    expect(hostsIn(' b.example , a.example:444,b.example:444 ').map(({ label }) => label)).toEqual([
      'b.example',
      'a.example:444',
      'b.example:444',
    ]);
  });

  it.each([
    ['https://pay.example', 'has a scheme'],
    ['u5er@pay.example', 'has user information'],
    ['u5er:pa55w0rd@pay.example:443', 'has user information'],
    ['pay.example/', 'has a path'],
    ['pay.example?a', 'has a path'],
    ['pay.example#a', 'has a path'],
    ['pay.example\\a', 'has a path'],
    ['pay.example.', 'ends in a dot'],
    ['pay..example', 'is not a DNS name'],
    ['.pay.example', 'is not a DNS name'],
    ['-pay.example', 'is not a DNS name'],
    ['pay-.example', 'is not a DNS name'],
    ['pay_1.example', 'is not a DNS name'],
    ['pay 1.example', 'is not a DNS name'],
    ['pay%2e.example', 'is not a DNS name'],
    ['결제.example', 'is not a DNS name'],
    [`${'a'.repeat(64)}.example`, 'is not a DNS name'],
    [`${'a123456789.'.repeat(24)}example`, 'is not a DNS name'],
    ['pay.example:', 'has a bad port'],
    ['pay.example:0', 'has a bad port'],
    ['pay.example:65536', 'has a bad port'],
    ['pay.example:0443', 'has a bad port'],
    ['pay.example:443:443', 'has a bad port'],
    ['pay.example:https', 'has a bad port'],
    [':443', 'is not a DNS name'],
    ['127.1', 'is neither a name nor a plain IPv4 address'],
    ['0x7f.1', 'is neither a name nor a plain IPv4 address'],
    ['0x7f000001', 'is neither a name nor a plain IPv4 address'],
    ['2130706433', 'is neither a name nor a plain IPv4 address'],
    ['127.0.0.01', 'is neither a name nor a plain IPv4 address'],
    ['127.0.0.256', 'is neither a name nor a plain IPv4 address'],
    ['1.2.3.4.5', 'is neither a name nor a plain IPv4 address'],
    ['pay.0x', 'is neither a name nor a plain IPv4 address'],
    ['::1', 'is an IPv6 address without brackets'],
    ['[::1', 'has no proper IPv6 address'],
    ['[::1]x', 'has no proper IPv6 address'],
    ['[127.0.0.1]', 'has no proper IPv6 address'],
    ['[fe80::1%eth0]', 'has no proper IPv6 address'],
    ['[]', 'has no proper IPv6 address'],
    ['good.example,,', 'is empty'],
  ])('refuses %s', async (value, reason) => {
    const problems = await problemsWith({ UPSTREAM_HOSTS: value });
    expect(problems[0]).toContain(reason);
    expect(problems[0]).toMatch(/^UPSTREAM_HOSTS: entry [12] /);
  });

  it('tells which entries are bad, and why, all of them', async () => {
    expect(await problemsWith({ UPSTREAM_HOSTS: 'good.example, bad.example/x ,good2.example, 127.1' })).toEqual([
      'UPSTREAM_HOSTS: entry 2 has a path. Write "host" or "host:port" only.',
      expect.stringMatching(/^UPSTREAM_HOSTS: entry 4 is neither a name nor/),
    ]);
  });

  it.each([
    ['first.example,FIRST.example'],
    ['first.example,first.example:443'],
    ['[::1]:8443,[0:0:0:0:0:0:0:1]:8443'],
  ])('refuses the same place twice: %s', async (value) => {
    expect(await problemsWith({ UPSTREAM_HOSTS: value })).toEqual([
      'UPSTREAM_HOSTS: entry 2 names a host a second time. Remove it.',
    ]);
  });
});

describe('PROXY_API_KEYS', () => {
  it('takes several, spaces around them ignored', () => {
    const { apiKeys } = loadConfig({ PROXY_API_KEYS: ` shop-1:${KEY} , shop-2:${KEY}x ` });
    expect(apiKeys.map(({ name, key }) => [name, key.reveal()])).toEqual([
      ['shop-1', KEY],
      ['shop-2', `${KEY}x`],
    ]);
  });

  it.each([
    ['no colon', KEY, 'has no colon'],
    ['a name in capitals', `Shop:${KEY}`, 'has a bad name'],
    ['no name', `:${KEY}`, 'has a bad name'],
    ['a short key', `shop:${KEY.slice(0, 31)}`, 'has a bad key'],
    ['a key with other characters', `shop:${KEY}=`, 'has a bad key'],
    ['a key with a colon', `shop:${KEY}:${KEY}`, 'has a bad key'],
    ['a space before the key', `shop: ${KEY}`, 'has a bad key'],
    ['an empty entry', `shop:${KEY},`, 'has no colon'],
  ])('refuses %s', async (_, value, reason) => {
    expect(await problemsWith({ PROXY_API_KEYS: value })).toEqual([expect.stringContaining(reason)]);
  });

  it('refuses a name or a key that stands twice', async () => {
    expect(await problemsWith({ PROXY_API_KEYS: `shop:${KEY},shop:${KEY}x,desk:${KEY}` })).toEqual([
      'PROXY_API_KEYS: entry 2 repeats a name. Give each key its own, such as shop-1 and shop-2.',
      'PROXY_API_KEYS: entry 3 repeats a key. Give each name its own.',
    ]);
  });
});

describe('ALLOWED_PATHS', () => {
  it('takes prefixes for any method and for one', () => {
    expect(loadConfig({ ALLOWED_PATHS: '/v1/pay, post /v1/refund ,GET  /' }).allowedPaths).toEqual([
      { prefix: '/v1/pay' },
      { method: 'POST', prefix: '/v1/refund' },
      { method: 'GET', prefix: '/' },
    ]);
  });

  it.each([
    ['v1pay', 'has a bad prefix'],
    ['//evil', 'has a bad prefix'],
    ['/v1/../v2', 'has a bad prefix'],
    ['/v1/.', 'has a bad prefix'],
    ['/..', 'has a bad prefix'],
    ['/v1?query', 'has a bad prefix'],
    ['/v1#part', 'has a bad prefix'],
    ['/v1\\part', 'has a bad prefix'],
    ['/결제', 'has a bad prefix'],
    ['GET', 'has a bad prefix'],
    ['/v1,', 'has a bad prefix'],
    ['CONNECT /v1', 'has a bad method'],
    ['GET /v1 /v2', 'has too many parts'],
  ])('refuses %s', async (value, reason) => {
    expect(await problemsWith({ ALLOWED_PATHS: value })).toEqual([expect.stringContaining(reason)]);
  });

  it('takes dots that are no segment of their own', () => {
    expect(loadConfig({ ALLOWED_PATHS: '/.well-known/,/v1.2,/...' }).allowedPaths).toHaveLength(3);
  });
});
