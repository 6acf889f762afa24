import dns from 'node:dns';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Authority } from '../../../scripts/pki.ts';
import type { Phase } from '../../../src/upstream/trace.ts';
import { startBlackHole } from '../../support/black-hole.ts';
import { startRelayedUpstream } from '../../support/relay.ts';
import { expectFailure, setScene } from '../../support/scene.ts';
import { startTcpUpstream } from '../../support/tcp-upstream.ts';

const DEADLINE_MS = 200;

interface Stage {
  readonly stage: string;
  readonly phases: readonly Phase[];
  readonly play: (authority: Authority) => Promise<{ readonly port: number; close(): Promise<void> }>;
}

const STAGES: readonly Stage[] = [
  { stage: 'a name server that says nothing', phases: ['dns'], play: () => startTcpUpstream(() => undefined) },
  { stage: 'a black hole', phases: ['dns', 'tcp'], play: () => startBlackHole() },
  {
    stage: 'a server that accepts and says nothing',
    phases: ['dns', 'tcp', 'tls'],
    play: () => startTcpUpstream(() => undefined),
  },
  {
    stage: 'a server that falls silent in the middle of its flight',
    phases: ['dns', 'tcp', 'tls'],
    play: (authority) =>
      startRelayedUpstream(authority, () => undefined, {
        onServer: (piece, { client }) => client.write(piece.subarray(0, 200)),
      }),
  },
];

afterEach(() => vi.restoreAllMocks());

describe.each([
  { deadline: 'UPSTREAM_CONNECT_TIMEOUT_MS', timeoutMs: null, connectTimeoutMs: DEADLINE_MS },
  { deadline: "the call's own timeoutMs", timeoutMs: DEADLINE_MS, connectTimeoutMs: 10_000 },
])('within $deadline', ({ timeoutMs, connectTimeoutMs }) => {
  test.each(STAGES)('silence of $stage is a connect timeout, and not processed', async ({ stage, phases, play }) => {
    const scene = await setScene(play, { UPSTREAM_CONNECT_TIMEOUT_MS: String(connectTimeoutMs) });
    // The overloads of `lookup` are more than a stand-in needs.
    const silence = (() => undefined) as unknown as typeof dns.lookup;
    if (stage === STAGES[0]?.stage) vi.spyOn(dns, 'lookup').mockImplementation(silence);

    const call = await scene.call({ method: 'POST', path: '/pay', timeoutMs });

    expectFailure(call, { status: 504, code: 'upstream_connect_timeout', outcome: 'not_processed', phases });
    expect(call.line.durationMs).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
  });
});
