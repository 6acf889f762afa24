import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { post } from '../support/caller.ts';
import { bodyOf, startBackend } from './support/backend.ts';
import { endingOf } from './support/calls.ts';
import { startNginx } from './support/nginx.ts';
import { startProxy } from './support/proxy.ts';
import { createOldAuthority, FAULTS, refusedClient } from './support/refused-client.ts';

const authority = await createOldAuthority();
const MIB = 1_048_576;

/** Hands everything on to the application, with what nginx knows of the client. */
const passTo = (port: number) => `
  proxy_pass http://127.0.0.1:${port};
  proxy_set_header Client "$ssl_client_s_dn over $ssl_protocol: $ssl_client_verify";
  add_header X-Connection $connection;`;

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('nginx with ssl_verify_client on, %s', (tls) => {
  test('a call is answered, and the server has seen our certificate', async () => {
    const backend = await startBackend(async (request, response) => {
      response.writeHead(201, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ client: request.headers.client, body: (await bodyOf(request)).toString() }));
    });
    const nginx = await startNginx({ authority, tls, location: passTo(backend.port) });
    const proxy = await startProxy({ authority, upstreamPort: nginx.port });

    const answer = await post(proxy.port, '{"method":"POST","path":"/pay?a=1","body":{"amount":  1.00, "주문":"가"}}');

    expect(endingOf(answer)).toBe('answered 201');
    expect(JSON.parse(answer.body.toString())).toEqual({
      client: `CN=e2e-mini-app over ${tls}: SUCCESS`,
      body: '{"amount":  1.00, "주문":"가"}',
    });
  });

  test('calls one after another go over one connection', async () => {
    const nginx = await startNginx({ authority, tls, location: 'add_header X-Connection $connection; return 200 ok;' });
    const proxy = await startProxy({ authority, upstreamPort: nginx.port });

    const connections = new Set<unknown>();
    for (let calls = 0; calls < 20; calls += 1) {
      const answer = await post(proxy.port, { method: 'GET', path: '/' });
      expect(endingOf(answer)).toBe('answered 200');
      connections.add(answer.headers['x-connection']);
      const phases = String(answer.headers['server-timing']);
      if (calls > 0) expect(phases).not.toContain('tls');
    }
    expect(connections.size).toBe(1);
  });

  test('bodies of many megabytes pass unchanged, both ways', async () => {
    const sent = randomBytes(6 * MIB).toString('base64');
    const received = randomBytes(32 * MIB);
    let digest = '';
    const backend = await startBackend(async (request, response) => {
      digest = createHash('sha256')
        .update(await bodyOf(request))
        .digest('hex');
      response.end(received);
    });
    const nginx = await startNginx({ authority, tls, location: passTo(backend.port) });
    const settings = { MAX_REQUEST_BYTES: String(10 * MIB) };
    const proxy = await startProxy({ authority, upstreamPort: nginx.port, settings });

    const answer = await post(proxy.port, { method: 'POST', path: '/', body: sent });

    expect(endingOf(answer)).toBe('answered 200');
    expect(digest).toBe(createHash('sha256').update(sent).digest('hex'));
    expect(answer.whole).toBe(true);
    expect(answer.body.equals(received)).toBe(true);
  });

  test('an answer that the application or nginx has compressed passes as it is', async () => {
    const plain = JSON.stringify({ text: '결제 '.repeat(2_000) });
    const compressed = gzipSync(plain, { level: 1 });
    const backend = await startBackend((request, response) => {
      const byApplication = request.url === '/application';
      if (byApplication) response.setHeader('Content-Encoding', 'gzip');
      response.setHeader('Content-Type', 'application/json');
      response.end(byApplication ? compressed : plain);
    });
    const location = `${passTo(backend.port)} gzip on; gzip_types application/json; gzip_proxied any; gzip_http_version 1.0;`;
    const nginx = await startNginx({ authority, tls, location });
    const proxy = await startProxy({ authority, upstreamPort: nginx.port });
    const headers = { 'Accept-Encoding': 'gzip' };

    const fromApplication = await post(proxy.port, { method: 'GET', path: '/application', headers });
    const fromNginx = await post(proxy.port, { method: 'GET', path: '/nginx', headers });
    const asked = await post(proxy.port, { method: 'GET', path: '/nginx' });

    expect(fromApplication.headers['content-encoding']).toBe('gzip');
    expect(fromApplication.body.equals(compressed)).toBe(true);
    expect(fromNginx.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(fromNginx.body).toString()).toBe(plain);
    expect(asked.headers['content-encoding']).toBeUndefined();
    expect(asked.body.toString()).toBe(plain);
  });

  test.each(FAULTS)(
    'a certificate that nginx refuses (%s) gets its own 400, which passes as answered',
    async (fault) => {
      let requests = 0;
      const backend = await startBackend((_request, response) => {
        requests += 1;
        response.end();
      });
      const nginx = await startNginx({ authority, tls, location: passTo(backend.port) });
      const refused = await refusedClient(authority, fault);
      const proxy = await startProxy({ authority, upstreamPort: nginx.port, ...refused });

      const answer = await post(proxy.port, { method: 'POST', path: '/pay', body: { amount: 1 } });

      expect(endingOf(answer)).toBe('answered 400');
      expect(answer.body.toString()).toContain('The SSL certificate error');
      expect(requests).toBe(0);
    },
  );
});
