import { describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../../../scripts/pki.ts';
import { stopClock } from '../../support/clock.ts';
import { startRelayedUpstream } from '../../support/relay.ts';
import { expectFailure, type SeenCall, setScene } from '../../support/scene.ts';
import { ALERT_TLS, encryptedAlert, plainAlert, REFUSALS } from '../../support/tls-alert.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';

function expectRejected(call: SeenCall): void {
  expectFailure(call, {
    status: 502,
    code: 'client_certificate_rejected',
    outcome: 'not_processed',
    phases: ['dns', 'tcp', 'tls'],
  });
}

/** A TLS 1.3 server refuses after the client's handshake has ended, in place of a session ticket. */
function refuseUnderTls13(authority: Authority, alert: number): Promise<Upstream> {
  return startUpstream(authority, (connection) => connection.tcp.end(encryptedAlert(connection, alert, 0)), ALERT_TLS);
}

/** A TLS 1.2 server refuses within the handshake, in place of its Finished. */
function refuseUnderTls12(authority: Authority, alert: number): Promise<Upstream> {
  return startRelayedUpstream(
    authority,
    () => undefined,
    {
      onClient: (piece, { client, server, piecesBefore }) => {
        if (piecesBefore === 0) server.write(piece);
        else client.end(plainAlert(alert));
      },
    },
    { maxVersion: 'TLSv1.2' },
  );
}

describe.each([
  { version: 'TLS 1.2', refuse: refuseUnderTls12 },
  { version: 'TLS 1.3', refuse: refuseUnderTls13 },
])('under $version', ({ refuse }) => {
  test.each(Object.entries(REFUSALS))('a client certificate refused with %s is not processed', async (_, alert) => {
    const scene = await setScene((authority) => refuse(authority, alert));
    // Server and proxy share an event loop here, so the proxy's patience must not run out while the server has its turn.
    stopClock();

    expectRejected(await scene.call());
    expect(scene.upstream.received).toBe('');
  });
});

test("a Node server's refusal, which is a bare reset, is not processed", async () => {
  const stranger = await createAuthority();
  const scene = await setScene((authority) =>
    startUpstream(authority, () => undefined, { ca: stranger.certPem, rejectUnauthorized: true }),
  );
  stopClock();

  expectFailure(await scene.call(), {
    status: 502,
    code: 'upstream_handshake_failed',
    outcome: 'not_processed',
    phases: ['dns', 'tcp', 'tls'],
  });
});
