import type { IncomingMessage } from 'node:http';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { ErrorCode, Outcome, ProxyError } from '../errors.ts';
import type { Trace } from '../upstream/trace.ts';

/** What the handlers of one request pass to each other. */
export interface Locals extends Record<string, unknown> {
  requestId: string;
  /** Only requests to `/proxy` are calls. */
  call?: Call | undefined;
}

export type Handler = RequestHandler<Record<string, string>, unknown, unknown, unknown, Locals>;
export type ErrorHandler = ErrorRequestHandler<Record<string, string>, unknown, unknown, unknown, Locals>;
export type Reply = Response<unknown, Locals>;

/**
 * The record of one request to `/proxy`. It is opened when the request comes, filled in as the call goes, and told to
 * the log and the metrics once, when the caller's connection has let go of it and nothing more can come from upstream.
 */
export class Call {
  readonly requestId: string;
  readonly startedAtMs = performance.now();
  /** The caller's address on our side of the network, and the one that the balancer saw. */
  readonly peer: string | undefined;
  readonly forwardedFor: string | undefined;
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
  durationMs = 0;
  #open = 1;
  readonly #response: Reply;
  readonly #onEnded: (call: Call) => void;

  constructor(request: IncomingMessage, response: Reply, onEnded: (call: Call) => void) {
    this.requestId = response.locals.requestId;
    this.peer = request.socket.remoteAddress;
    this.forwardedFor = lastHop(request.headers['x-forwarded-for']);
    this.#response = response;
    this.#onEnded = onEnded;
    response.on('close', () => this.settle());
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

  /** Something else must end, too, before the call has ended. */
  alsoAwait(): void {
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
    if (this.#open <= 0) return;
    this.#open = 1;
    this.settle();
  }
}

/** The address that the balancer itself saw: the last item, since a caller may have sent the others. */
function lastHop(forwardedFor: string | string[] | undefined): string | undefined {
  return forwardedFor?.toString().split(',').at(-1)?.trim();
}
