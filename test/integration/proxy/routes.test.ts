import supertest from 'supertest';
import { beforeEach, describe, expect, test } from 'vitest';
import { ERRORS } from '../../../src/errors.ts';
import { type ProxyBefore, startProxyBefore } from '../../support/proxy-before.ts';

const UUID = /^[0-9a-f-]{36}$/;

let proxy: ProxyBefore;
let service: ReturnType<typeof supertest>;

beforeEach(async () => {
  proxy = await startProxyBefore('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', {
    PROXY_API_KEYS: `shop:${'k'.repeat(32)}`,
  });
  service = supertest(`http://127.0.0.1:${proxy.service.port}`);
});

/** Holds that this is a row of the error table, as JSON, and nothing of Express's. */
function expectRefusal(answer: supertest.Response, code: keyof typeof ERRORS): void {
  const { status, error, proxyStatus } = ERRORS[code];
  const { requestId, message } = answer.body;
  expect(answer.status).toBe(status);
  expect(answer.type).toBe('application/json');
  expect(answer.body).toEqual({ error, code, outcome: 'not_processed', message, requestId });
  expect(message).toMatch(/^[A-Z].*\.$/);
  expect(answer.headers).toMatchObject({
    'x-request-id': requestId,
    'proxy-outcome': 'not_processed',
    'proxy-status': `toss-mtls-proxy; error=${proxyStatus}`,
    'cache-control': 'no-store',
  });
  expectNothingOfExpress(answer);
}

function expectNothingOfExpress({ headers }: supertest.Response): void {
  for (const name of ['x-powered-by', 'etag', 'content-security-policy']) expect(headers).not.toHaveProperty(name);
}

describe('GET /', () => {
  test('says that all is well, without a key', async () => {
    const answer = await service.get('/');

    expect(answer.status).toBe(200);
    expect(answer.type).toBe('application/json');
    expect(answer.body).toEqual({
      status: 'ok',
      service: 'Toss mTLS Proxy',
      version: '0.0.0-test',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      uptime: expect.any(Number),
    });
    expect(answer.headers['x-request-id']).toMatch(UUID);
    expect(answer.headers['cache-control']).toBe('no-store');
    expectNothingOfExpress(answer);
  });

  test('keeps the caller’s request id, and needs no attention to its query', async () => {
    const answer = await service.get('/?probe=alb').set('X-Request-Id', 'probe-1');

    expect(answer.status).toBe(200);
    expect(answer.headers['x-request-id']).toBe('probe-1');
  });

  test('HEAD / says the same without a body', async () => {
    const answer = await service.head('/');

    expect(answer.status).toBe(200);
    expect(answer.text).toBeFalsy();
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(0);
  });

  test('is not logged: a balancer asks every few seconds', async () => {
    await service.get('/');

    expect(proxy.service.log).toEqual([]);
  });
});

describe('other paths', () => {
  test.each([
    '/health',
    '/proxy/',
    '/Proxy',
    '/PROXY',
    '//proxy',
    '/proxy%2f',
    '/proxy/x',
    '/%ff',
    '/index.html',
    '/..',
  ])('%s is not found', async (path) => {
    expectRefusal(await service.post(path).send({}), 'not_found');
    expectRefusal(await service.get(path), 'not_found');
  });

  test('HEAD of one has the same head and no body', async () => {
    const answer = await service.head('/nothing');

    expect(answer.status).toBe(404);
    expect(answer.headers['proxy-outcome']).toBe('not_processed');
    expect(answer.text).toBeFalsy();
  });
});

describe('other methods', () => {
  test.each(['post', 'put', 'patch', 'delete', 'options'] as const)('%s / is told what / takes', async (method) => {
    const answer = await service[method]('/');

    expectRefusal(answer, 'method_not_allowed');
    expect(answer.headers.allow).toBe('GET, HEAD');
  });

  test.each(['get', 'put', 'patch', 'delete', 'options'] as const)(
    '%s /proxy is told what it takes',
    async (method) => {
      const answer = await service[method]('/proxy');

      expectRefusal(answer, 'method_not_allowed');
      expect(answer.headers.allow).toBe('POST');
      expect(await proxy.service.callLines(1)).toMatchObject([{ status: 405, code: 'method_not_allowed' }]);
    },
  );

  test('HEAD /proxy, too', async () => {
    const answer = await service.head('/proxy');

    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST');
  });
});

describe('POST /proxy', () => {
  const call = { method: 'GET', path: '/status' };

  test('ignores a query of its own, and sends and logs nothing of it', async () => {
    const answer = await service.post('/proxy?token=secret').auth('k'.repeat(32), { type: 'bearer' }).send(call);

    expect(answer.status).toBe(200);
    expect(proxy.upstream.received).toMatch(/^GET \/status HTTP/);
    expect(JSON.stringify(proxy.service.log)).not.toContain('secret');
  });

  test('without a key is refused before anything is known of the envelope', async () => {
    const answer = await service.post('/proxy').type('text/plain').send('not json');

    expectRefusal(answer, 'unauthorized');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(proxy.upstream.connections).toBe(0);
  });
});
