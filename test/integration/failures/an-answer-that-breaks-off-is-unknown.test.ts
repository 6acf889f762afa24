import { describe, expect, test } from 'vitest';
import { expectFailure, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';

const STREAMED_BYTES = 100_000;

const ENDS: readonly { readonly what: string; readonly end: (connection: UpstreamConnection) => void }[] = [
  { what: 'a reset', end: ({ tcp }) => tcp.resetAndDestroy() },
  { what: 'an end', end: ({ socket }) => socket.end() },
  { what: 'a chunk without a size', end: ({ socket }) => socket.write('nonsense\r\n') },
];

const FRAMINGS = [
  { framing: 'a body with a length', head: `Content-Length: ${STREAMED_BYTES * 2}\r\n`, chunk: (text: string) => text },
  {
    framing: 'a body in chunks',
    head: 'Transfer-Encoding: chunked\r\n',
    chunk: (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
  },
];

/** To bytes of a body with a length nothing is nonsense. */
const CASES = ENDS.flatMap((end) => FRAMINGS.map((framing) => ({ ...end, ...framing }))).filter(
  ({ what, framing }) => what !== 'a chunk without a size' || framing === 'a body in chunks',
);

describe.each(CASES)('$what within $framing', ({ end, head, chunk }) => {
  test('that is still held is an error, and unknown', async () => {
    const scene = await setScene((authority) =>
      startUpstream(authority, (connection) => {
        onRequest(connection, () => {
          connection.socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${chunk('{"paid":true')}`, () => end(connection));
        });
      }),
    );

    const call = await scene.call();

    expectFailure(call, {
      status: 502,
      code: 'upstream_incomplete',
      outcome: 'unknown',
      phases: ['dns', 'tcp', 'tls', 'send', 'wait', 'receive'],
    });
    expect(call.answer.headers['proxy-status']).toContain('received-status=200');
    expect(call.answer.body.toString()).not.toContain('paid');
  });

  test("that is streamed already cuts the caller's connection, and is logged as unknown", async () => {
    let connection: UpstreamConnection | undefined;
    const scene = await setScene((authority) =>
      startUpstream(authority, (accepted) => {
        connection = accepted;
        onRequest(accepted, () =>
          accepted.socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${chunk('x'.repeat(STREAMED_BYTES))}`),
        );
      }),
    );

    const { answer, line } = await scene.call(undefined, {
      onHead: () => {
        if (connection) end(connection);
      },
    });

    expect(answer).toMatchObject({ status: 200, whole: false });
    expect(line).toMatchObject({ status: 200, code: 'upstream_incomplete', outcome: 'unknown' });
    expect(Object.keys(Object(line.phases))).toEqual(['dns', 'tcp', 'tls', 'send', 'wait', 'receive']);
  });
});
