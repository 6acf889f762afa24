import { test } from 'vitest';
import { expectAnswer, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

const CHUNKS = '5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n';

test.each([
  ['once', ['chunked']],
  ['in capitals', ['Chunked']],
  // Frameworks behind a proxy of their own do that, with chunks around the body only once.
  ['twice', ['chunked', 'chunked']],
  ['behind a coding that is none', ['identity', 'chunked']],
])('an answer that says chunked %s comes without its chunks, and is answered', async (_, codings) => {
  const head = codings.map((coding) => `Transfer-Encoding: ${coding}\r\n`).join('');
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () => void connection.socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${CHUNKS}`));
    }),
  );

  expectAnswer(await scene.call(), 200, 'hello world', 'answered');
});
