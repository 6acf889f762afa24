import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Authority } from '../../../scripts/pki.ts';
import { stopClock } from '../../support/clock.ts';
import { startRelayedUpstream } from '../../support/relay.ts';
import { expectFailure, setScene } from '../../support/scene.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';

type End = (socket: Socket) => void;

interface Stage {
  readonly stage: string;
  readonly versions: readonly ('TLSv1.2' | 'TLSv1.3')[];
  readonly play: (authority: Authority, end: End, version: 'TLSv1.2' | 'TLSv1.3') => Promise<Upstream>;
}

const only = (version: 'TLSv1.2' | 'TLSv1.3') => ({ minVersion: version, maxVersion: version });

const STAGES: readonly Stage[] = [
  {
    stage: 'after the ClientHello',
    versions: ['TLSv1.2', 'TLSv1.3'],
    play: (authority, end, version) =>
      startRelayedUpstream(authority, () => undefined, { onClient: (_, { client }) => end(client) }, only(version)),
  },
  {
    stage: "in the middle of the server's flight",
    versions: ['TLSv1.2', 'TLSv1.3'],
    play: (authority, end, version) =>
      startRelayedUpstream(
        authority,
        () => undefined,
        { onServer: (piece, { client }) => client.write(piece.subarray(0, 200), () => end(client)) },
        only(version),
      ),
  },
  {
    stage: 'after our certificate, in place of an answer to it',
    versions: ['TLSv1.2', 'TLSv1.3'],
    play: (authority, end, version) =>
      startRelayedUpstream(
        authority,
        () => undefined,
        {
          onClient: (piece, { client, server, piecesBefore }) => {
            if (piecesBefore === 0) server.write(piece);
            else end(client);
          },
        },
        only(version),
      ),
  },
  {
    stage: 'after the handshake, before its first session ticket',
    versions: ['TLSv1.3'],
    play: (authority, end, version) => startUpstream(authority, ({ tcp }) => end(tcp), only(version)),
  },
];

const CASES = STAGES.flatMap(({ stage, versions, play }) => versions.map((version) => ({ stage, version, play })));

describe.each([
  { what: 'a reset', end: ((socket) => socket.resetAndDestroy()) satisfies End },
  { what: 'an end', end: ((socket) => socket.end()) satisfies End },
])('$what before the hand-over is not processed', ({ end }) => {
  test.each(CASES)('$stage ($version)', async ({ version, play }) => {
    const scene = await setScene((authority) => play(authority, end, version));
    // Server and proxy share an event loop here, so the proxy's patience must not run out while the server has its turn.
    stopClock();

    const call = await scene.call();

    expectFailure(call, {
      status: 502,
      code: 'upstream_handshake_failed',
      outcome: 'not_processed',
      phases: ['dns', 'tcp', 'tls'],
    });
    expect(scene.upstream.received).toBe('');
  });
});
