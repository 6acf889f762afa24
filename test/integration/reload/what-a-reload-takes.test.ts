import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { post } from '../../support/caller.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';
import { clientOf, type Scene, setScene, startTellingUpstream, type Told } from './scene.ts';

const KEY = 'k'.repeat(40);
const NEW_KEY = 'n'.repeat(40);

async function callWith({ service }: Scene, key = ''): Promise<{ readonly status: number; readonly told: Told }> {
  const headers: Record<string, string> = key === '' ? {} : { Authorization: `Bearer ${key}` };
  const answer = await post(service.port, { method: 'GET', path: '/' }, { headers });
  return { status: answer.status, told: JSON.parse(answer.body.toString()) };
}

/** The problems and warnings so far, and what became of the reloads. */
function said({ service }: Scene): readonly unknown[] {
  return service.log
    .filter(({ msg, level }) => /reload/.test(String(msg)) || Number(level) >= 40)
    .map(({ msg }) => msg);
}

test('a pair that has not changed keeps its connections', async () => {
  const { authority, upstream } = await startTellingUpstream();
  const scene = await setScene(authority, upstream.port);
  const before = await callWith(scene);

  await scene.service.reload();

  expect(said(scene)).toEqual(['reload: nothing has changed']);
  expect((await callWith(scene)).told.connection).toBe(before.told.connection);
  expect(upstream.connections).toBe(1);
});

test('API keys change without a word to the payment API, and connections stay', async () => {
  const { authority, upstream } = await startTellingUpstream();
  const scene = await setScene(authority, upstream.port, { PROXY_API_KEYS: `shop:${KEY}` });
  await callWith(scene, KEY);

  await scene.service.reload({ PROXY_API_KEYS: `shop-2:${NEW_KEY}` });

  expect(scene.service.log.find(({ msg }) => msg === 'reloaded')).toMatchObject({ apiKeys: ['shop-2'] });
  expect(JSON.stringify(scene.service.log)).not.toContain(NEW_KEY);
  expect((await callWith(scene, KEY)).status).toBe(401);
  expect(await callWith(scene, NEW_KEY)).toMatchObject({ status: 200, told: { connection: 0 } });
  expect(upstream.received).not.toContain('HEAD');
});

test('a reload never lets callers in without a key', async () => {
  const { authority, upstream } = await startTellingUpstream();
  const scene = await setScene(authority, upstream.port, { PROXY_API_KEYS: `shop:${KEY}` });

  await scene.service.reload({ ...(await scene.issue('new')), PROXY_API_KEYS: '' });

  expect(said(scene)).toEqual([
    'not reloaded: PROXY_API_KEYS: none is set any more, and a reload does not let callers in without a key. Set one, ' +
      'or restart.',
  ]);
  expect((await callWith(scene)).status).toBe(401);
  expect((await callWith(scene, KEY)).told.client).toBe('test-mini-app');
});

test('if anything is wrong, every problem is told and the old keys stay', async () => {
  const { authority, upstream } = await startTellingUpstream();
  const scene = await setScene(authority, upstream.port, { PROXY_API_KEYS: `shop:${KEY}` });
  const { TOSS_PUBLIC_CRT = '' } = await scene.issue('new');

  await scene.service.reload({ TOSS_PUBLIC_CRT, PROXY_API_KEYS: 'shop:short', UPSTREAM_CA_B64: '?' });

  expect(said(scene)).toEqual([
    expect.stringMatching(/^not reloaded: PROXY_API_KEYS: entry 1 has a bad key\./),
    expect.stringMatching(/^not reloaded: TOSS_PRIVATE_KEY: this key does not belong to the certificate in TOSS_PUB/),
    expect.stringMatching(/^not reloaded: UPSTREAM_CA_B64: this is not Base64\./),
  ]);
  expect(upstream.received).toBe('');
  expect((await callWith(scene, KEY)).told.client).toBe('test-mini-app');
});

test('a CA with which the payment API is not trusted is not taken', async () => {
  const { authority, upstream } = await startTellingUpstream();
  const scene = await setScene(authority, upstream.port);
  const stranger = await createAuthority();

  await scene.service.reload({ UPSTREAM_CA_B64: Buffer.from(stranger.certPem).toString('base64') });

  expect(said(scene)).toEqual([
    `not reloaded: localhost:${upstream.port} is not trusted with the new UPSTREAM_CA_B64 or UPSTREAM_CA_FILE, and is ` +
      'with the old one. The old one stays in use; SIGHUP tries again.',
  ]);
  expect((await callWith(scene)).status).toBe(200);
});

test('a CA is taken with which the payment API is trusted again', async () => {
  const { authority, upstream } = await startTellingUpstream();
  const stranger = await createAuthority();
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  const scene = await setScene(authority, upstream.port, { UPSTREAM_CA_B64: base64(stranger.certPem) });
  expect((await callWith(scene)).status).toBe(502);
  const saidBefore = said(scene);

  await scene.service.reload({ UPSTREAM_CA_B64: base64(authority.certPem + stranger.certPem) });

  expect(said(scene)).toEqual([...saidBefore, 'reloaded']);
  expect((await callWith(scene)).status).toBe(200);
});

test('a call in flight ends on the certificate that it began with', async () => {
  const authority = await createAuthority();
  const held: UpstreamConnection[] = [];
  let onHeld = () => {};
  const isHeld = new Promise<void>((resolve) => {
    onHeld = resolve;
  });
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, (request) => {
      if (request.startsWith('HEAD')) {
        connection.socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      } else {
        held.push(connection);
        onHeld();
      }
    });
  });
  onTestFinished(() => upstream.close());
  const { service, issue } = await setScene(authority, upstream.port);
  const answer = post(service.port, { method: 'POST', path: '/pay', body: { amount: 1 } });
  await isHeld;

  await service.reload(await issue('new'));
  for (const connection of held) {
    const client = clientOf(connection);
    connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${client.length}\r\n\r\n${client}`);
  }

  expect((await answer).body.toString()).toBe('test-mini-app');
  expect((await answer).headers['proxy-outcome']).toBe('answered');
  expect(held).toHaveLength(1);
});

test('the operator sees the certificate in use, the last reload and how often it was tried', async () => {
  const { authority, upstream } = await startTellingUpstream();
  const scene = await setScene(authority, upstream.port, { METRICS_PORT: '0' });
  const { service, issue } = scene;
  const { port } = service.log.find(({ msg }) => msg === 'metrics') ?? {};
  const admin = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  const status = async () => (await (await admin('/status')).json()) as { certificate: { notAfter: string } };
  expect(await status()).toMatchObject({ certificate: { subject: 'CN=test-mini-app' } });
  expect(await status()).not.toHaveProperty('lastReload');

  await service.reload(await issue('new'));
  expect(await status()).toMatchObject({
    certificate: {
      subject: 'CN=new',
      issuer: 'CN=Throw-away Root CA',
      fingerprint: expect.stringMatching(/^[0-9A-F:]{95}$/),
    },
    lastReload: { at: expect.stringMatching(/Z$/), result: 'ok', problems: [] },
  });
  const { certificate } = await status();
  await service.reload({ TOSS_PRIVATE_KEY: '' });
  expect(await status()).toMatchObject({
    certificate,
    lastReload: { result: 'failed', problems: [expect.stringMatching(/^TOSS_PRIVATE_KEY_B64: this is not set\./)] },
  });

  const metrics = await (await admin('/metrics')).text();
  expect(metrics).toContain('client_certificate_reloads_total{result="ok"} 1');
  expect(metrics).toContain('client_certificate_reloads_total{result="failed"} 1');
  const endsAt = Date.parse(certificate.notAfter) / 1000;
  expect(metrics).toContain(`client_certificate_not_after_timestamp_seconds ${endsAt}`);
});
