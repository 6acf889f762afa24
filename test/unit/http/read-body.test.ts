import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { readBody } from '../../../src/http/read-body.ts';

const PIECES = 4;
const PIECE_BYTES = 65_536;

test('while a call goes on, its body is kept once, and nothing of how it was read', async () => {
  const request = new IncomingMessage(new Socket());
  const reading = readBody(request, new ServerResponse(request), PIECES * PIECE_BYTES);
  const pieces = await sendPieces(request);

  const body = await reading;

  expect(body).toHaveLength(PIECES * PIECE_BYTES);
  await nextTurn();
  collectGarbage();
  // What a stream has read last, it may still hold.
  expect(pieces.slice(0, -1).map((piece) => piece.deref())).toEqual(Array(PIECES - 1).fill(undefined));
  expect(['data', 'end', 'close'].map((event) => request.listenerCount(event))).toEqual([0, 0, 0]);
});

async function sendPieces(request: IncomingMessage): Promise<WeakRef<Buffer>[]> {
  const pieces: WeakRef<Buffer>[] = [];
  for (let count = 0; count < PIECES; count++) {
    const piece = Buffer.alloc(PIECE_BYTES);
    pieces.push(new WeakRef(piece));
    request.push(piece);
    await nextTurn();
  }
  request.push(null);
  return pieces;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
