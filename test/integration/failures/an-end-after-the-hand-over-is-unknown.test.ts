import { describe, expect, test } from 'vitest';
import { stopClock } from '../../support/clock.ts';
import { startRelayedUpstream } from '../../support/relay.ts';
import { expectFailure, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';

type End = (connection: UpstreamConnection) => void;

const ENDS: readonly { readonly what: string; readonly end: End }[] = [
  { what: 'a reset', end: ({ tcp }) => tcp.resetAndDestroy() },
  { what: 'an end of TLS', end: ({ socket }) => socket.end() },
  { what: 'an end of TCP without one of TLS', end: ({ tcp }) => tcp.end() },
];

/** What the server has said when it ends. */
const STAGES = [
  { stage: 'when the request has been read', said: '' },
  { stage: 'after an interim answer', said: 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' },
  { stage: 'within the status line', said: 'HTTP/1.1 20' },
  { stage: 'within the headers', said: 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConte' },
];

describe.each(ENDS)('$what after the hand-over is unknown', ({ end }) => {
  test.each(STAGES)('$stage', async ({ said }) => {
    const scene = await setScene((authority) =>
      startUpstream(authority, (connection) => {
        onRequest(connection, () => {
          if (said === '') end(connection);
          else connection.socket.write(said, () => end(connection));
        });
      }),
    );

    const call = await scene.call();

    expectFailure(call, {
      status: 502,
      code: 'upstream_reset',
      outcome: 'unknown',
      phases: ['dns', 'tcp', 'tls', 'send', 'wait'],
    });
    expect(scene.upstream.received.match(/POST \/pay /g)).toHaveLength(1);
  });
});

test('a reset of a request that is still on its way is unknown too', async () => {
  const scene = await setScene((authority) =>
    startRelayedUpstream(authority, () => undefined, {
      onClient: (piece, { client, server, piecesBefore }) => {
        // Its two pieces of the handshake pass, its request does not.
        if (piecesBefore < 2) server.write(piece);
        else client.resetAndDestroy();
      },
    }),
  );
  // Then nothing but the session ticket brings the hand-over, and the request is a piece of its own.
  stopClock();

  const call = await scene.call();

  expectFailure(call, {
    status: 502,
    code: 'upstream_reset',
    outcome: 'unknown',
    phases: ['dns', 'tcp', 'tls', 'send', 'wait'],
  });
  expect(scene.upstream.received).toBe('');
});
