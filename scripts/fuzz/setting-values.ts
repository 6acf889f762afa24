import { PASSPHRASE, PLACEHOLDERS } from './key-material.ts';

/** Stands in values, and must never be told. */
export const CANARY = 'cAnArYx7';

/** Stands in secrets, and must not be seen in what the settings are parsed to. */
export const SECRET = 'sEcReTx7';

/** What each variable may be given; what is right stands first. */
const HOSTS = [
  ...['pay.example', 'PAY.example:8443, kpay.example', '[::1]:8443', '127.0.0.1', 'xn--pay.example', 'a.b:1,a.b:2'],
  ...['https://pay.example', 'u@pay.example', 'pay.example/x', 'pay.example:0', 'pay.example:65536', 'pay..example'],
  ...['pay.example,pay.example:443', '127.1', '0x7f.1', '::1', '[::1', '[fe80::1%eth0]', 'pay.example.', '-x.y', ','],
];
const ADDRESSES = [
  '127.0.0.1',
  '::1',
  'localhost',
  '0.0.0.0',
  '::',
  '::ffff:127.0.0.1',
  '[::1]',
  'pay.example',
  '127.1',
];
export const NUMBERS = [
  ...[
    '443',
    '3001',
    ' 7 ',
    '65535',
    '0',
    '1',
    '65536',
    '600000',
    '-1',
    '1e3',
    '0x10',
    '7.0',
    '99999999999',
    '٣',
    'NaN',
  ],
];
const KEYS = [
  ...[`shop:${SECRET.padEnd(32, 'k')}`, `a-1:${SECRET.padEnd(40, 'a')}, a-2:${SECRET.padEnd(40, 'b')}`],
  ...[
    `shop:${SECRET.padEnd(32, 'k')},shop:${SECRET.padEnd(32, 'l')}`,
    'shop:short',
    'shop',
    `Shop:${SECRET.repeat(4)}`,
  ],
];
const PATHS = [
  '/',
  '/pay',
  'POST /pay, GET /a',
  'FETCH /a',
  '//x',
  '/a/../b',
  '/a?b',
  'POST  /a /b',
  '/%2e%2e/',
  'pay',
];
const REDIS = [
  ...[`redis://:${SECRET}@cache.example:6379/0`, `rediss://u:${SECRET}@[::1]:1`, 'redis://cache.example:6379'],
  ...['redis://', 'http://x', 'redis://[', 'rediss:///0', `redis://${SECRET} @x`],
  ...[
    'redis://cache.example/x',
    'redis://:%zz@cache.example',
    'redis://u:1#2@cache.example',
    'redis://cache.example?x',
  ],
];
const PEMS = PLACEHOLDERS.flatMap((name) => [`{${name}}`, `{${name}_ESCAPED}`, `{${name}_B64}`, `{${name}_FILE}`]);
const FILES = [
  ...['.', '/', '/dev/null', '/dev/zero', './nothing', '~/x', '/etc/passwd/x', '/proc/self/mem', '\0', '{CERT_FILE}/x'],
];

export const USUAL: Readonly<Record<string, readonly string[]>> = {
  UPSTREAM_HOSTS: HOSTS,
  ALLOWED_PATHS: PATHS,
  PROXY_API_KEYS: KEYS,
  HOST: ADDRESSES,
  METRICS_HOST: ADDRESSES,
  REDIS_URL: REDIS,
  ALLOW_UNAUTHENTICATED: ['true', 'false', 'TRUE', '1', ' true'],
  LOG_LEVEL: ['info', 'silent', 'INFO', 'verbose', 'constructor'],
  NODE_ENV: ['production', 'test', ''],
  NODE_TLS_REJECT_UNAUTHORIZED: ['0', '1', ''],
  TOSS_PUBLIC_CRT_B64: ['{CERT_B64}', '{CERT_B64}', '{CHAIN_B64}', ...PEMS],
  TOSS_PUBLIC_CRT: ['{CERT_ESCAPED}', '{CERT}', ...PEMS],
  TOSS_PUBLIC_CRT_FILE: ['{CERT_FILE}', '{CERT_FILE}', ...PEMS, ...FILES],
  TOSS_PRIVATE_KEY_B64: ['{KEY_B64}', '{KEY_B64}', '{LOCKED_KEY_B64}', ...PEMS],
  TOSS_PRIVATE_KEY: ['{KEY_ESCAPED}', '{KEY}', ...PEMS],
  TOSS_PRIVATE_KEY_FILE: ['{KEY_FILE}', '{KEY_FILE}', ...PEMS, ...FILES],
  TOSS_PRIVATE_KEY_PASSPHRASE: [PASSPHRASE, 'wrong', ''],
  UPSTREAM_CA_B64: ['{CA_B64}', ...PEMS],
  UPSTREAM_CA_FILE: ['{CA_FILE}', ...PEMS, ...FILES],
};
