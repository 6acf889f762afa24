import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * V8 (Node 24) lets some 64 MiB of buffers pass before it looks which are still needed, since it sees only the small objects
 * that stand for them; and then it looks at all objects, old ones, too. So one large answer would raise the memory of the
 * process by 75 MiB, which are 20 with this, and a call with 64 KiB each way would cost a third more. A look at the young
 * objects takes a millisecond, in which no other call is served.
 */
const LOOK_AFTER_BYTES = 8 * 1_048_576;

/**
 * When no body has passed for so long, or up to twice as long, V8 looks at all objects, if {@link LOOK_AFTER_BYTES} more
 * are held than at the least. That takes some 20 ms. Left to itself V8 does it, too, but lets its heap grow only slowly from
 * then on: with 64 KiB a call costs twice as much after a rest as before it (Node 24). So `npm start` and PM2 turn its own
 * way off.
 */
const REST_MS = 8_000;

/** It looks at all objects if it is given nothing; whatever it is given, Node 20 looks at the young ones. */
type Collector = (options?: { readonly type: 'minor' }) => void;

let collector: Collector | undefined;
let passedBytes = 0;
/** Seen whenever a watch began, and not after a look, when calls may be waiting that need what they hold. */
let leastHeldBytes = Number.POSITIVE_INFINITY;
let isWatching = false;
let hasPassed = false;
/**
 * The exchange that was completed last, until the look at the end of a rest. V8 forgets what it has learned of objects with the last
 * one of a kind, and throws away what it has compiled for them: without one call that is left, that look cost 190 functions,
 * and calls took twice the CPU time until V8 had compiled them again, thousands of calls later (Node 24).
 */
const specimen: { exchange?: object | undefined } = {};

/** Told of bodies, and of pieces of them, that are passed on and then not needed any more. */
export function notePassed(bytes: number): void {
  hasPassed = true;
  if (!isWatching) watchForRest();
  passedBytes += bytes;
  if (passedBytes < LOOK_AFTER_BYTES) return;
  passedBytes = 0;
  collect({ type: 'minor' });
}

/** Told of an exchange that has come to its end; one that was given up may still hold the body that it did not send. */
export function noteCompleted(exchange: object): void {
  if (isWatching) specimen.exchange = exchange;
}

function watchForRest(): void {
  isWatching = true;
  hasPassed = false;
  leastHeldBytes = Math.min(heldBytes(), leastHeldBytes);
  const onTime = () => {
    isWatching = false;
    if (hasPassed) watchForRest();
    else collectAtRest();
  };
  setTimeout(onTime, REST_MS).unref();
}

function collectAtRest(): void {
  if (heldBytes() - leastHeldBytes >= LOOK_AFTER_BYTES) collect();
  specimen.exchange = undefined;
}

/** What the heap holds, garbage included, and the buffers outside of it. */
function heldBytes(): number {
  const { used_heap_size: heap, external_memory: buffers } = getHeapStatistics();
  return heap + buffers;
}

function collect(...options: Parameters<Collector>): void {
  collector ??= exposeCollector();
  collector(...options);
}

/** V8 puts its collector only into contexts that are made while this flag is set. Without one, V8 looks when it likes. */
function exposeCollector(): Collector {
  setFlagsFromString('--expose-gc');
  const found: Collector | undefined = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return found ?? (() => undefined);
}
