import { test } from 'vitest';
import { expectAnswer, setScene } from '../../support/scene.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';

const ANSWER = 'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok';

test.each([
  ['100 Continue', ['HTTP/1.1 100 Continue\r\n\r\n']],
  ['102 Processing', ['HTTP/1.1 102 Processing\r\n\r\n']],
  ['103 Early Hints', ['HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n']],
  ['an interim status of tomorrow', ['HTTP/1.1 199 Patience\r\n\r\n']],
  ['several of them', ['HTTP/1.1 102 Processing\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\n\r\n']],
])('%s is not the answer', async (_, interims) => {
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, async () => {
        for (const interim of interims) {
          await new Promise<void>((resolve) => connection.socket.write(interim, () => resolve()));
        }
        connection.socket.write(ANSWER);
      });
    }),
  );

  // The second call goes over the same connection.
  expectAnswer(await scene.call(), 201, 'ok');
  expectAnswer(await scene.call(), 201, 'ok');
});

test('an interim answer in one packet with the answer is not the answer either', async () => {
  const scene = await setScene((authority) =>
    startUpstream(authority, (connection) => {
      onRequest(connection, () => connection.socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${ANSWER}`));
    }),
  );

  expectAnswer(await scene.call(), 201, 'ok');
});
