import { describe, expect, test } from 'vitest';
import { post } from '../../support/caller.ts';
import { openDoor, PAYMENT } from './door.ts';

const ALLOWED = ['http://localhost', 'http://localhost:80', 'http://localhost:3000'];

const FOREIGN = [
  'null',
  '',
  'https://evil.example',
  'http://evil.example:3001',
  'https://localhost',
  'http://LOCALHOST',
  'HTTP://localhost',
  'http://localhost:',
  'http://localhost:3000/',
  'http://localhost:3000@evil.example',
  'http://localhost@evil.example',
  'http://localhost.evil.example',
  'http://localhost.',
  'http://evil.localhost',
  'http://notlocalhost',
  'http://127.0.0.1:3000',
  'http://[::1]:3000',
  'http://localhost:3000, http://evil.example',
  'http://evil.example http://localhost',
  'http://localhost:3000x',
  'http://localhost:-1',
  'file://',
];

describe('a page on localhost', () => {
  test.each(ALLOWED)('at %s may call, and may read what this service says of the call', async (origin) => {
    const door = await openDoor({
      answer: [
        'HTTP/1.1 201 Created',
        'Content-Length: 2',
        'Access-Control-Allow-Origin: *',
        'Access-Control-Allow-Credentials: true',
        'Vary: Accept-Encoding',
        'Set-Cookie: a=1',
        'Set-Cookie: b=2',
        'X-Theirs: 1',
        '',
        '{}',
      ].join('\r\n'),
    });

    const { status, headers } = await post(door.port, PAYMENT, { headers: { ...door.pass, Origin: origin } });

    expect(status).toBe(201);
    expect(headers['access-control-allow-origin']).toBe(origin);
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    expect(headers['access-control-expose-headers']).toBe('X-Request-Id,Proxy-Outcome,Proxy-Status,Server-Timing');
    expect(headers.vary).toBe('Origin, Accept-Encoding');
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(headers['x-theirs']).toBe('1');
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers['proxy-outcome']).toBe('answered');
  });

  test('reads errors too, before and after the key', async () => {
    const door = await openDoor({ answer: 'not HTTP\r\n\r\n' });
    const fromPage = (envelope: object | string, headers: Readonly<Record<string, string>>) =>
      post(door.port, envelope, { headers: { Origin: 'http://localhost:3000', ...headers } });

    const answers = [
      await fromPage(PAYMENT, {}),
      await fromPage('{', door.pass),
      await fromPage({ ...PAYMENT, hostname: 'evil.example' }, door.pass),
      await fromPage(PAYMENT, door.pass),
    ];

    expect(answers.map(({ status }) => status)).toEqual([401, 400, 403, 502]);
    for (const { headers } of answers) {
      expect(headers['access-control-allow-origin']).toBe('http://localhost:3000');
      expect(headers.vary).toBe('Origin');
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('is answered its preflight without a key, and that is one line in the log', async () => {
    const door = await openDoor();

    const { status, headers, body } = await post(door.port, '', {
      method: 'OPTIONS',
      headers: {
        Origin: 'http://localhost:3000',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });

    expect(status).toBe(204);
    expect(body).toHaveLength(0);
    expect(headers['access-control-allow-origin']).toBe('http://localhost:3000');
    expect(headers['access-control-allow-methods']).toBe('POST');
    expect(headers['access-control-allow-headers']).toBe('Authorization,Content-Type,X-Request-Id');
    expect(headers.vary).toBe('Origin');
    const [line] = await door.service.callLines(1);
    expect(line).toMatchObject({ status: 204, outcome: 'not_processed' });
    expect(line).not.toHaveProperty('callerGone');
  });
});

describe('a page from anywhere else', () => {
  test.each(FOREIGN)('at %j is refused before anything is sent', async (origin) => {
    const door = await openDoor();
    const headers = { ...door.pass, Origin: origin };

    const answers = [
      await post(door.port, PAYMENT, { headers }),
      // What a page may send without asking first (a "simple request" of the Fetch standard).
      await post(door.port, PAYMENT, { headers: { ...headers, 'Content-Type': 'text/plain' } }),
      await post(door.port, '', {
        method: 'OPTIONS',
        headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
      }),
      await post(door.port, '', { method: 'GET', path: '/', headers: { Origin: origin } }),
    ];

    for (const answer of answers) {
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'origin_not_allowed' });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
    expect(door.upstream.connections).toBe(0);
  });
});
