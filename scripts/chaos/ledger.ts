import type { Outcome } from '../../src/errors.ts';
import type { ReplyName } from './replies.ts';

/** What the payment API has read of one call. */
export interface Reading {
  /** How many requests with the call's number have begun to come. */
  times: number;
  /** Whether one has been read to its last byte. */
  isWhole: boolean;
  /** In what it differs from the request that the caller described. */
  difference: string | undefined;
  /** Whether its connection was reset afterwards: then the end of an answer may have been lost on the way. */
  wasReset: boolean;
  /** When bytes that nobody had asked for were sent over its connection before, on the clock of `performance.now()`. */
  readonly strayAtMs: number | undefined;
  /** How it was treated; none if the connection was being closed when it came. */
  readonly reply: ReplyName | undefined;
}

/** Something that must not be. */
export interface Violation {
  /** A sentence. */
  readonly what: string;
  /** Which call, and what is known of it. */
  readonly detail: string;
}

/** A call is open until it is judged; of one that was called not_processed no byte may be read ever after. */
const OPEN = 0;
const CLOSED = 1;
const SWORN = 2;

/**
 * The payment API's book of all requests that it has read, whole or in part. A request stands in it from its first byte
 * on, since from there on nobody can say that the payment API has not seen it. Entries stay as long as their call is
 * open; of a closed one only what is needed to notice a late or second request, so that millions fit.
 */
export class Ledger {
  readonly #open = new Map<number, Reading>();
  readonly #times: Uint8Array;
  readonly #state: Uint8Array;
  readonly #onViolation: (violation: Violation) => void;

  /** @param calls how many there will be; they are numbered from 0 */
  constructor(calls: number, onViolation: (violation: Violation) => void) {
    this.#times = new Uint8Array(calls);
    this.#state = new Uint8Array(calls);
    this.#onViolation = onViolation;
  }

  /** The first bytes of a request are here. */
  begin(id: number, { reply, strayAtMs }: Pick<Reading, 'reply' | 'strayAtMs'>): void {
    const times = (this.#times[id] ?? 0) + 1;
    this.#times[id] = Math.min(times, 255);
    const reading = this.#open.get(id);
    if (reading !== undefined) {
      reading.times = times;
    } else if (this.#state[id] === OPEN) {
      this.#open.set(id, { times, isWhole: false, difference: undefined, wasReset: false, strayAtMs, reply });
    }
    if (times > 1) this.complain('a request was read twice', `call ${id}`);
    if (this.#state[id] === SWORN) this.complain('a request was read after it was called not_processed', `call ${id}`);
  }

  /** Its last byte is here. */
  complete(id: number, difference: string | undefined): void {
    const reading = this.#open.get(id);
    if (reading === undefined) return;
    reading.isWhole = true;
    reading.difference ??= difference;
  }

  /** What is here of it differs from what should be. */
  compare(id: number, difference: string | undefined): void {
    const reading = this.#open.get(id);
    if (reading !== undefined) reading.difference ??= difference;
  }

  /** The connection that it came over is reset. */
  reset(id: number): void {
    const reading = this.#open.get(id);
    if (reading !== undefined) reading.wasReset = true;
  }

  of(id: number): Readonly<Reading> | undefined {
    return this.#open.get(id);
  }

  /** The call is over, and was said to have ended like this. */
  close(id: number, outcome: Outcome): void {
    this.#open.delete(id);
    this.#state[id] = outcome === 'not_processed' ? SWORN : CLOSED;
  }

  complain(what: string, detail: string): void {
    this.#onViolation({ what, detail });
  }
}
