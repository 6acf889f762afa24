import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { post } from '../../support/caller.ts';
import { stopClock } from '../../support/clock.ts';
import { ALERT_TLS, encryptedAlert, REFUSALS } from '../../support/tls-alert.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';
import { clientOf, setScene } from './scene.ts';

const KEY = 'k'.repeat(40);
const NEW_KEY = 'n'.repeat(40);

/** Answers an HTTP request like this one; a HEAD without the body. */
function answering(status: string, body: string) {
  return (connection: UpstreamConnection) =>
    onRequest(connection, (request) => {
      const sent = request.startsWith('HEAD ') ? '' : body;
      connection.socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${sent}`);
    });
}

const NGINX = '<center><h1>400 Bad Request</h1></center><center>The SSL certificate error</center>';
const PENDING = 'The old one stays in use; SIGHUP tries again.';
const REFUSED = (how: string) =>
  `refuses the new certificate${how}: is it active yet, and for this environment? ${PENDING}`;

const WAYS: readonly (readonly [string, (connection: UpstreamConnection) => void, string])[] = [
  [
    'with an alert after the handshake',
    (connection) => connection.tcp.end(encryptedAlert(connection, REFUSALS.unknown_ca, 0)),
    REFUSED(''),
  ],
  ['with the 400 of nginx', answering('400 Bad Request', NGINX), REFUSED(' with HTTP 400')],
  ['with a 403 that says so', answering('403 Forbidden', 'client certificate unknown'), REFUSED(' with HTTP 403')],
  ['with a 495', answering('495 SSL Certificate Error', ''), REFUSED(' with HTTP 495')],
  [
    'by hanging up',
    ({ tcp }) => tcp.resetAndDestroy(),
    `hangs up on the new certificate (upstream_handshake_failed), and accepts the old one. ${PENDING}`,
  ],
  [
    'by hanging up at the request',
    (connection) => onRequest(connection, () => connection.tcp.resetAndDestroy()),
    `hangs up on the new certificate (upstream_reset), and accepts the old one. ${PENDING}`,
  ],
];

test.each(WAYS)('a certificate that is refused %s is not taken, nor the keys beside it', async (_, refuse, words) => {
  const authority = await createAuthority();
  const upstream = await startUpstream(
    authority,
    (connection) => {
      if (clientOf(connection) === 'refused') refuse(connection);
      else answering('200 OK', clientOf(connection))(connection);
    },
    ALERT_TLS,
  );
  onTestFinished(() => upstream.close());
  const { service, issue } = await setScene(authority, upstream.port, { PROXY_API_KEYS: `shop:${KEY}` });
  // Server and service share an event loop, so the service's patience must not run out while the server has its turn.
  stopClock();

  await service.reload({ ...(await issue('refused')), PROXY_API_KEYS: `shop:${NEW_KEY}` });

  expect(service.log.filter(({ level }) => Number(level) >= 40)).toMatchObject([
    { level: 50, msg: `not reloaded: localhost:${upstream.port} ${words}` },
  ]);
  const call = (key: string) =>
    post(service.port, { method: 'GET', path: '/' }, { headers: { Authorization: `Bearer ${key}` } });
  expect((await call(KEY)).body.toString()).toBe('test-mini-app');
  expect((await call(NEW_KEY)).status).toBe(401);
});

test.each(['400 Bad Request', '401 Unauthorized', '403 Forbidden', '404 Not Found', '500 Internal Server Error'])(
  'a payment API that answers the trial with %s and says nothing of a certificate has accepted it',
  async (status) => {
    const authority = await createAuthority();
    const upstream = await startUpstream(authority, answering(status, 'Nothing to see here'));
    onTestFinished(() => upstream.close());
    const { service, issue } = await setScene(authority, upstream.port);

    await service.reload(await issue('new'));

    expect(service.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    expect(service.log.at(-1)).toMatchObject({ msg: 'reloaded', subject: 'CN=new' });
  },
);
