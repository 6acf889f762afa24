import { setImmediate as nextTurn } from 'node:timers/promises';

/** Enough for bytes and ends on the loopback interface to reach whoever listens in this process. */
const TURNS = 10;
const PATIENCE_MS = 5_000;

/** Lets the event loop turn until what has been sent on loopback has been read. */
export async function settleLoopback(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
}

/** Lets the event loop turn until the condition holds; it may be one of a clock that stands still. */
export async function until(condition: () => boolean): Promise<void> {
  const startedAtMs = Date.now();
  while (!condition()) {
    if (Date.now() - startedAtMs > PATIENCE_MS) throw new Error(`This never came to be: ${condition}`);
    await nextTurn();
  }
}
