import { expect, test } from 'vitest';
import { expectFailure, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const END = 'Content-Length: 2\r\n\r\nok';

const BEFORE_A_HEAD = ['dns', 'tcp', 'tls', 'send', 'wait'] as const;
const WITH_A_HEAD = [...BEFORE_A_HEAD, 'receive'] as const;
/** Node 20's parser lets it pass, and its own `writeHead` would then refuse it. */
const WHEREVER_IT_IS_SEEN = undefined;

test.each([
  ['a line of text', 'Service temporarily unavailable\r\n', BEFORE_A_HEAD],
  ['bytes without sense', '\x00\x01\x02\x03\xff', BEFORE_A_HEAD],
  ['an answer of HTTP/2', '\x00\x00\x12\x04\x00\x00\x00\x00\x00', BEFORE_A_HEAD],
  ['a header without a colon', `${OK}Content-Length 2\r\n\r\nok`, BEFORE_A_HEAD],
  ['a header with a control character', `${OK}X-Odd: a\x01b\r\n${END}`, BEFORE_A_HEAD],
  ['a header name with a space', `${OK}X Odd: 1\r\n${END}`, WHEREVER_IT_IS_SEEN],
  ['a header without a name', `${OK}: 1\r\n${END}`, WHEREVER_IT_IS_SEEN],
  ['more headers than 16 KiB', `${OK}X-Long: ${'x'.repeat(20_000)}\r\n${END}`, BEFORE_A_HEAD],
  ['a length that is no number', `${OK}Content-Length: two\r\n\r\nok`, BEFORE_A_HEAD],
  ['two lengths', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk`, BEFORE_A_HEAD],
  ['a length and chunks', `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, BEFORE_A_HEAD],
  [
    'a switch of protocols that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello',
    BEFORE_A_HEAD,
  ],
  ['a status below 100', `HTTP/1.1 099 Odd\r\n${END}`, WITH_A_HEAD],
  ['a body in a coding that is not undone', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, WITH_A_HEAD],
])('%s is a protocol error, and unknown', async (_, text, phases) => {
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () => connection.socket.write(Buffer.from(text, 'latin1')));
    }),
  );

  const call = await scene.call();

  expectFailure(call, { status: 502, code: 'upstream_protocol_error', outcome: 'unknown', phases });
  expect(scene.upstream.received.match(/POST \/pay /g)).toHaveLength(1);
});
