import { expect, test } from 'vitest';
import type { Phase } from '../../../src/upstream/trace.ts';
import { expectFailure, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';

/** Long enough for a handshake on a busy machine. */
const DEADLINE_MS = 400;
const BEFORE_AN_ANSWER: readonly Phase[] = ['dns', 'tcp', 'tls', 'send', 'wait'];

const say = (text: string) => (connection: UpstreamConnection) => {
  onRequest(connection, () => connection.socket.write(text));
};

const STAGES: readonly {
  readonly stage: string;
  readonly script: (connection: UpstreamConnection) => void;
  readonly phases: readonly Phase[];
}[] = [
  { stage: 'of a server that does not read', script: ({ socket }) => socket.pause(), phases: BEFORE_AN_ANSWER },
  { stage: 'when the request has been read', script: say(''), phases: BEFORE_AN_ANSWER },
  { stage: 'after an interim answer', script: say('HTTP/1.1 102 Processing\r\n\r\n'), phases: BEFORE_AN_ANSWER },
  { stage: 'within the headers', script: say('HTTP/1.1 200 OK\r\nContent-Type: appl'), phases: BEFORE_AN_ANSWER },
  {
    stage: 'after the headers',
    script: say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'),
    phases: [...BEFORE_AN_ANSWER, 'receive'],
  },
  {
    stage: 'within the body',
    script: say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'),
    phases: [...BEFORE_AN_ANSWER, 'receive'],
  },
];

test.each(STAGES)('silence $stage is a timeout, and unknown', async ({ script, phases }) => {
  const scene = await setScene((authority) => startUpstream(authority, script), {
    UPSTREAM_TIMEOUT_MS: String(DEADLINE_MS),
  });

  const call = await scene.call();

  expectFailure(call, { status: 504, code: 'upstream_timeout', outcome: 'unknown', phases });
  expect(call.line.durationMs).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
});

test.each([
  { what: 'can shorten', timeoutMs: DEADLINE_MS, settingMs: 10_000 },
  { what: 'cannot lengthen', timeoutMs: 10_000, settingMs: DEADLINE_MS },
])("a call's timeoutMs $what UPSTREAM_TIMEOUT_MS", async ({ timeoutMs, settingMs }) => {
  const scene = await setScene((authority) => startUpstream(authority, say('')), {
    UPSTREAM_TIMEOUT_MS: String(settingMs),
  });

  const call = await scene.call({ method: 'POST', path: '/pay', timeoutMs });

  expectFailure(call, { status: 504, code: 'upstream_timeout', outcome: 'unknown', phases: BEFORE_AN_ANSWER });
  expect(call.line.durationMs).toBeLessThan(5_000);
});
