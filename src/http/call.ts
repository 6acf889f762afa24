import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { ErrorCode, Outcome, ProxyError } from '../errors.ts';
import type { LivingCall } from '../lifecycle.ts';
import type { Trace } from '../upstream/trace.ts';
import { forwardedAddress } from './remote-address.ts';
import { parseTraceparent, type TraceParent } from './traceparent.ts';

/** What the handlers of one request pass to each other. */
interface Locals extends Record<string, unknown> {
  requestId: string;
  /** Only requests to `/proxy` are calls. */
  call?: Call | undefined;
}

/** Queries are not parsed: no route has one. */
type NoQuery = Record<string, never>;

export type Handler = RequestHandler<Record<string, string>, unknown, unknown, NoQuery, Locals>;
export type ErrorHandler = ErrorRequestHandler<Record<string, string>, unknown, unknown, NoQuery, Locals>;
export type Reply = Response<unknown, Locals>;

/** What goes on with the payment API for a call. */
interface Abandonable {
  abandon(): void;
}

/**
 * The record of one request to `/proxy`. It is opened when the request comes, filled in as the call goes, and told to
 * the log and the metrics once, when the caller's connection has let go of it and nothing more can come from upstream.
 */
export class Call implements LivingCall {
  readonly requestId: string;
  readonly startedAtMs = performance.now();
  /** The caller's address on our side of the network, and the one that the balancer saw. */
  readonly peer: string | undefined;
  readonly forwardedFor: string | undefined;
  /** The caller's trace, if it sent a `traceparent`. */
  readonly traceParent: TraceParent | undefined;
  /** The name of the API key that was sent. */
  caller: string | undefined;
  method: string | undefined;
  host: string | undefined;
  /** Without its query, which may hold personal data. */
  path: string | undefined;
  /** Present from the moment at which the call is on its way to the payment API. */
  trace: Trace | undefined;
  /** The error that the caller was answered with. */
  error: ProxyError | undefined;
  /** The status that the caller was answered with; none if it was gone before. */
  status: number | undefined;
  /** What its answer says besides, as names and values in turn: how much more its caller may call. */
  headers: readonly string[] = [];
  durationMs = 0;
  place: number | undefined;
  isInFlight = false;
  #open = 1;
  /**
   * An object and not a function: V8 puts one that is written where it is assigned to a property into the old generation,
   * where it would keep all of its call for long. That was a fifth of the CPU time of a call (64 callers, Node 24).
   */
  #exchange: Abandonable | undefined;
  readonly #response: Reply;
  readonly #onEnded: (call: Call) => void;

  constructor(request: IncomingMessage, response: Reply, onEnded: (call: Call) => void) {
    this.requestId = response.locals.requestId;
    this.peer = request.socket.remoteAddress;
    this.forwardedFor = forwardedAddress(request);
    this.traceParent = parseTraceparent(request.headers.traceparent);
    this.#response = response;
    this.#onEnded = onEnded;
    // Whoever waits for more learns only now that the caller has gone, and may note that as the end.
    const onGone = () => {
      if (response.writableFinished) {
        this.settle();
        return;
      }
      // A pipelined one has no socket until its turn comes: it was not sent, and would not know that nobody waits for it.
      if (response.socket === null) this.status = undefined;
      response.destroy();
      this.#exchange?.abandon();
      setImmediate(() => this.settle());
    };
    if (response.socket === null) onceClosed(response, request.socket, onGone);
    else response.once('close', onGone);
  }

  /** Whether it has been told to the log: nothing is to be begun for it any more. */
  get hasEnded(): boolean {
    return this.#open <= 0;
  }

  /** The caller is to open another connection for its next call. */
  closeConnectionAfterwards(): void {
    if (!this.#response.headersSent) this.#response.shouldKeepAlive = false;
  }

  /** What is known of the outcome now. */
  get outcome(): Outcome {
    return this.error?.outcome ?? this.trace?.outcome ?? 'not_processed';
  }

  /** Why it ended badly, if it did: told to the caller, or met when nothing could be told any more. */
  get code(): ErrorCode | undefined {
    return this.error?.code ?? this.trace?.failure;
  }

  /**
   * The exchange must end, too, before the call has ended, and {@link settle} tells of it. It is abandoned if the caller's
   * connection ends before all of the answer has left.
   */
  alsoAwait(exchange: Abandonable): void {
    this.#exchange = exchange;
    this.#open += 1;
  }

  /** One of the things that had to end has ended. */
  settle(): void {
    this.#open -= 1;
    if (this.#open !== 0) return;
    this.durationMs = performance.now() - this.startedAtMs;
    this.#onEnded(this);
  }

  /** Ends the call as it stands, because the process ends. */
  cut(): void {
    if (this.hasEnded) return;
    this.#open = 1;
    this.settle();
  }
}

/** A pipelined request's response has no socket yet, and would never hear of that one's end. Any number may wait so. */
function onceClosed(response: Reply, socket: Socket, listener: () => void): void {
  const onClose = () => {
    response.off('close', onClose);
    socket.off('close', onClose);
    listener();
  };
  response.on('close', onClose);
  socket.setMaxListeners(0).on('close', onClose);
}
