/** What people put into envelopes to make a forwarder go elsewhere, or say more than it should; and what is quite usual. */

/** A second request, for wherever a line break may slip through. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n';

export const PATHS = [
  ...['/pay', '/pay/make-payment?order=1', '/a//b', '/.well-known', '/a?next=/../b', '/%EA%B2%B0', '/a;v=1'],
];

export const ODD_PATHS = [
  ...['//evil.example/pay', '/\\evil.example', '@evil.example', 'https://evil.example/', '*', '', '/#x', '/a b', '/é'],
  ...['/../admin', '/%2e%2e/admin', '/a/..%2fb', '/a%5c..%5cb', '/..;/b', '/%252e%252e/b', '/.', '/a/.?b', ' /pay'],
  ...['/pay HTTP/1.1\r\nX-Evil: 1', `/ HTTP/1.1\r\n\r\n${SMUGGLED}`, '/\0', '/%0d%0a%00', `/${'a'.repeat(8192)}`],
];

export const HOST_TRICKS = [
  ...['evil.example', 'pay.example:443', 'kpay.example', 'kpay.example:08443', 'kpay.example:8443:443', 'pay.example.'],
  ...['user@pay.example', 'pay.example@evil.example', 'pay.example:443@evil.example', 'https://pay.example'],
  ...['pay.example/evil', 'pay.example#@evil.example', 'pay.example\\@evil.example', ' pay.example', '//pay.example'],
  ...['pay.example\r\nX-Evil: 1', 'pay.example\0.evil.example', 'pay\u3002example', '\u212apay.example:8443'],
  ...['p\u0430y.example', 'xn--py-7lc.example', 'localhost', '127.0.0.1', '2130706433', '0x7f.1', '[::1]', '::1'],
  ...['169.254.169.254', 'constructor', '__proto__', ''],
];

export const HEADER_NAMES = [
  ...['X-Toss-User-Key', 'Authorization', 'Content-Type', 'content_type', 'Accept', 'Cookie', 'X-Request-Id', '0'],
  ...['Host', 'content-LENGTH', 'Content_Length', 'Transfer-Encoding', 'transfer_encoding', 'Connection', 'Keep-Alive'],
  ...['TE', 'Trailer', 'Upgrade', 'Expect', 'Proxy-Authorization', 'proxy_x', 'Content-Encoding', 'Forwarded'],
  ...['X-HTTP-Method-Override', '__proto__', 'Date', 'Content-Length-', 'Max-Forwards'],
];

export const ODD_HEADER_NAMES = [
  ...['', ' ', 'a b', 'Host:', ':path', 'X\r\nHost', 'X\0', 'é', 'Content-Length ', '\tHost', 'x'.repeat(300)],
];

export const HEADER_VALUES = [
  ...['1', 'application/json', 'chunked', 'close', 'x-toss-user-key, content-length', '100-continue', 'h2c'],
  ...['\xa0x-toss-user-key', '', ' ', '\t', 'é', ' a '],
];

export const ODD_HEADER_VALUES = [
  ...['a\r\nX-Evil: 1', `a\r\n\r\n${SMUGGLED}`, 'a\n', '\r', '\0', '\x7f', '결제', '\u010a', '\u0120', '\x85'],
];

export const BODIES = [
  ...[
    `x\r\n\r\n${SMUGGLED}`,
    SMUGGLED,
    '0\r\n\r\n',
    '{}',
    'null',
    'a=1&b=2',
    '\ud83d',
    '\ufeff{}',
    '\ufffd',
    '\0',
    'é',
  ],
];

export const EXTRA_NAMES = ['hostName', 'url', '__proto__', 'constructor', 'Method', ''];

/** Pieces of envelopes that are put where they do not belong. */
export const TOKENS = [
  ...['{', '}', '[', ']', 'null', 'true', '1e999', '""', '{}', '\\u0000', '\\ud83d', '\\r\\n', '\\u000d\\u000a'],
  ...['"path":"/x"', '"body":{"a":1}', '"headers":{"a":"b"}', 'Content-Length: 5', '..', '%2e', '//', '\ufeff'],
  ...['\\r\\n\\r\\nGET / HTTP/1.1'],
];
