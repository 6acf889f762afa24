import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * V8 (Node 24) lets some 64 MiB of buffers pass before it looks which are still needed, since it sees only the small objects
 * that stand for them; and then it looks at all objects, old ones, too. So one large answer would raise the memory of the
 * process by 75 MiB, which are 20 with this, and a call with 64 KiB each way would cost a third more. A look at the young
 * objects takes a millisecond, in which no other call is served.
 */
const LOOK_AFTER_BYTES = 8 * 1_048_576;

type Collector = (options: { readonly type: 'minor' }) => void;

let passedBytes = 0;
let collect: Collector | undefined;

/** Told of bodies, and of pieces of them, that are passed on and then not needed any more. */
export function notePassed(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < LOOK_AFTER_BYTES) return;
  passedBytes = 0;
  collect ??= exposeCollector();
  collect({ type: 'minor' });
}

/** V8 puts its collector only into contexts that are made while this flag is set. Without one, V8 looks when it likes. */
function exposeCollector(): Collector {
  setFlagsFromString('--expose-gc');
  const found: Collector | undefined = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return found ?? (() => undefined);
}
