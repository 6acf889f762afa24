import { expect, test } from 'vitest';
import { expectFailure, setScene } from '../../support/scene.ts';
import { ALERT_TLS, encryptedAlert, REFUSALS } from '../../support/tls-alert.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

const TRIES = 200;

test('an alert about our certificate after the request was read is unknown in 200 of 200 tries', async () => {
  const scene = await setScene((authority) =>
    startUpstream(
      authority,
      (connection) =>
        onRequest(connection, () => connection.tcp.end(encryptedAlert(connection, REFUSALS.unknown_ca, 2))),
      ALERT_TLS,
    ),
  );

  const calls = await Promise.all(Array.from({ length: TRIES }, () => scene.call()));

  for (const call of calls) {
    expectFailure(call, {
      status: 502,
      code: 'client_certificate_rejected',
      outcome: 'unknown',
      phases: ['dns', 'tcp', 'tls', 'send', 'wait'],
    });
  }
  expect(scene.upstream.received.match(/POST \/pay /g)).toHaveLength(TRIES);
});
