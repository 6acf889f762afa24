import { expect, test } from 'vitest';
import { expectAnswer, expectFailure, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../../support/upstream.ts';

const LIMIT = 2;

test('a call above MAX_IN_FLIGHT is refused at once, not processed, and later ones are welcome again', async () => {
  const open: UpstreamConnection[] = [];
  let onFull = () => {};
  const full = new Promise<void>((resolve) => {
    onFull = resolve;
  });
  const scene = await setScene(
    (authority) =>
      startUpstream(authority, (connection) => {
        onRequest(connection, () => {
          open.push(connection);
          if (open.length === LIMIT) onFull();
        });
      }),
    { MAX_IN_FLIGHT: String(LIMIT) },
  );
  const answerAll = () => {
    for (const { socket } of open.splice(0)) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  };
  const calls = Array.from({ length: LIMIT }, () => scene.call());
  await full;

  const refused = await scene.call();
  answerAll();

  expectFailure(refused, { status: 503, code: 'overloaded', outcome: 'not_processed', phases: [] });
  expect(refused.answer.headers['retry-after']).toBe('1');
  for (const call of await Promise.all(calls)) expectAnswer(call, 200, 'ok');
  expect(scene.upstream.received.match(/POST \/pay /g)).toHaveLength(LIMIT);

  const later = Promise.all(Array.from({ length: LIMIT }, () => scene.call()));
  await new Promise<void>((resolve) => {
    onFull = resolve;
  });
  answerAll();
  for (const call of await later) expectAnswer(call, 200, 'ok');
});
