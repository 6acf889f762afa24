import type { ErrorCode, Outcome } from '../errors.ts';

/** The phases of a call, in the order in which they happen. */
export const PHASES = ['dns', 'tcp', 'tls', 'send', 'wait', 'receive'] as const;

/**
 * `dns`, `tcp`, `tls`: a connection is being made for the call (`tls` includes the time in which it settles).
 * `send`: from the hand-over until the request has left this process. `wait`: until the answer's head is here.
 * `receive`: until its last byte.
 */
export type Phase = (typeof PHASES)[number];

/** How long each phase took, in milliseconds; one that the call did not go through is absent. */
export type PhasesMs = { [phase in Phase]?: number };

/** A connection that is being made, or was made, and how long each of its phases took so far. */
interface Opening {
  readonly phase: Phase;
  readonly phasesMs: PhasesMs;
}

/**
 * What is known of one call while it runs: the pool and the exchange write it, the answer's headers, the log line and
 * the metrics read it.
 */
export class Trace {
  /** On the clock of `performance.now()`. */
  readonly startedAtMs = performance.now();
  /**
   * True from the moment just before the request is given its connection, and never false again. This one fact, and no
   * error code, separates `not_processed` from `unknown`.
   */
  handedOver = false;
  /** Whether the call went over a connection that was open before it came. */
  reused = false;
  /** The connection that was made for this call; none if it is or was served by an open one. */
  opening: Opening | undefined;
  /** Where the exchange is, once the request has been handed over. */
  exchangePhase: 'send' | 'wait' | 'receive' = 'send';
  readonly exchangePhasesMs: PhasesMs = {};
  /** The status that the payment API answered with. */
  status: number | undefined;
  /** Whether the answer tells where it ends; otherwise a cut looks like its end. */
  endIsKnown = false;
  /** Whether the answer is here to its last byte. */
  complete = false;
  /** Why the call ended badly, if it did. */
  failure: ErrorCode | undefined;
  /** The size of the request's body in bytes, once it has a connection. */
  bytesSent = 0;
  /** The size of the answer's body in bytes, as far as it came. */
  bytesReceived = 0;

  /** The phase that the call is in, or ended in. */
  get phase(): Phase {
    return this.handedOver ? this.exchangePhase : (this.opening?.phase ?? 'dns');
  }

  get phasesMs(): PhasesMs {
    return this.opening === undefined ? this.exchangePhasesMs : { ...this.opening.phasesMs, ...this.exchangePhasesMs };
  }

  /** Notes how far the connection has come: the call ends here, and what comes of the connection is not its business. */
  stopConnecting(): void {
    if (this.opening !== undefined) this.opening = { phase: this.opening.phase, phasesMs: this.opening.phasesMs };
  }

  get outcome(): Outcome {
    if (!this.handedOver) return 'not_processed';
    return this.complete ? this.outcomeIfCompleted : 'unknown';
  }

  /** What the outcome will be if the rest of the answer comes; its head is all that a streamed answer's header knows. */
  get outcomeIfCompleted(): Outcome {
    // Balancers send a 408 on their own, so that one says nothing about the payment API.
    return this.status !== 408 && this.endIsKnown ? 'answered' : 'unknown';
  }
}
