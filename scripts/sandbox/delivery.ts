import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './answer.ts';
import type { Fault } from './faults.ts';

const PIECES = 16;

/**
 * Sends an answer the way the fault asks for.
 * @param reset resets the TCP connection under this response
 * @param signal ends the pauses of a drip
 */
export async function deliver(
  answer: Answer,
  fault: Fault,
  response: ServerResponse,
  reset: () => void,
  signal: AbortSignal,
): Promise<void> {
  if (fault.kind === 'hang') return;
  if (fault.kind === 'reset-after') return reset();
  const bytes = Buffer.from(JSON.stringify(answer.body));
  response.writeHead(answer.status, {
    'Content-Type': 'application/json;charset=UTF-8',
    'Content-Length': bytes.length,
  });
  if (fault.kind === 'half') {
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    return;
  }
  if (fault.kind === 'drip') {
    const pieceBytes = Math.ceil(bytes.length / PIECES);
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      if (response.destroyed) return;
      await sleep(fault.pauseMs, undefined, { signal });
      response.write(bytes.subarray(from, from + pieceBytes));
    }
  }
  response.end(fault.kind === 'drip' ? undefined : bytes);
}
