import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { type IsHead, readAnswers } from './answers.ts';
import type { Stream } from './stream-cases.ts';

export interface Heard {
  readonly bytes: Buffer;
  /** Whether the connection was reset, so that what the listener said last may be lost (RFC 9112 §9.6). */
  readonly isReset: boolean;
}

/**
 * Plays a stream to the listener, and hears all that it says until the connection is closed.
 *
 * @param answers how many answers are waited for before the connection is closed from this side
 * @param isHead as in {@link readAnswers}
 */
export async function play(port: number, { writes, ending }: Stream, answers: number, isHead: IsHead): Promise<Heard> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let heard: Buffer = Buffer.alloc(0);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  let isReset = false;
  socket.on('error', () => {
    isReset = true;
  });
  await Promise.race([once(socket, 'connect'), closed]);
  const answered = new Promise<void>((resolve) => {
    const check = () => {
      if (heardAnswers(heard, isHead) >= answers) resolve();
    };
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      check();
    });
    check();
  });
  for (const bytes of writes) await write(socket, bytes);
  if (ending === 'wait') await Promise.race([answered, closed]);
  if (ending === 'reset') socket.resetAndDestroy();
  else socket.end();
  await closed;
  return { bytes: heard, isReset };
}

function heardAnswers(heard: Buffer, isHead: IsHead): number {
  try {
    return readAnswers(heard, isHead).answers.length;
  } catch {
    // What is wrong with it is told when it has come to its end.
    return Number.POSITIVE_INFINITY;
  }
}

/** Resolves when the listener, which lives in this process, has had its turn to read. */
async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || !socket.writable) return;
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  await setImmediate();
}
