import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { stopClock } from '../../support/clock.ts';
import { settleLoopback, until } from '../../support/event-loop.ts';
import { answerOk, openPool, setPoolScene } from '../../support/pool.ts';
import { startRelayedUpstream } from '../../support/relay.ts';

const MARGIN_MS = 50;
const STEP_MS = 5;

test.each([
  { version: 'TLSv1.3', why: 'its first session ticket says that our certificate was accepted' },
  { version: 'TLSv1.2', why: "the server's last word comes after it has judged our certificate" },
] as const)('under $version it is handed over at once: $why', async ({ version }) => {
  // The clock stands still, so that no timer can have done it.
  stopClock();
  const { call, connections } = await setPoolScene({}, answerOk, { minVersion: version, maxVersion: version });

  expect((await call()).outcome).toBe('answered');
  expect(connections[0]?.socket.getProtocol()).toBe(version);
});

test.each([
  { phases: 'no time at all', tcpMs: 0, tlsMs: 0, longerMs: 0 },
  { phases: '40 ms for TLS', tcpMs: 0, tlsMs: 40, longerMs: 40 },
])('without a ticket it waits for the longer phase and 50 ms: $phases', async ({ tlsMs, longerMs }) => {
  const moveClock = stopClock();
  const authority = await createAuthority();
  let firstFlight: (() => void) | undefined;
  const upstream = await startRelayedUpstream(authority, answerOk, {
    // Tickets, which come when the client has spoken twice, are lost; so are answers.
    onServer: (piece, { client, piecesBefore }: { client: Socket; piecesBefore: number }) => {
      if (piecesBefore === 1) firstFlight = () => client.write(piece);
    },
  });
  onTestFinished(() => upstream.close());
  const { begin } = await openPool(authority, `localhost:${upstream.port}`);
  const { trace } = begin();

  await until(() => firstFlight !== undefined);
  moveClock(tlsMs);
  firstFlight?.();
  await until(() => upstream.connections === 1);
  await settleLoopback();
  moveClock(longerMs + MARGIN_MS - STEP_MS);
  await settleLoopback();
  expect(trace.handedOver).toBe(false);
  moveClock(STEP_MS);
  await until(() => trace.handedOver);
  await until(() => upstream.received.includes('GET / '));
});
