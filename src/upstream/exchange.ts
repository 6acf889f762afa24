import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { UpstreamHost } from '../config.ts';
import { ProxyError } from '../errors.ts';
import { CALL_DEADLINE, CALLER_GONE, type Failure, failureCode, UNASKED_UPGRADE } from './failure.ts';
import { noteCompleted, notePassed } from './garbage.ts';
import { type Answer, hasOwnEnd, type Message } from './message.ts';
import type { ConnectionPool, PooledOptions } from './pool.ts';
import type { Trace } from './trace.ts';

/** An answer is held until it is whole or larger than this many bytes. */
const HELD_BYTES = 65_536;

/** How long a server that has answered may take to read the rest of the request. */
const UNREAD_REQUEST_MS = 10_000;

interface ExchangeOptions {
  readonly pool: ConnectionPool;
  readonly upstream: UpstreamHost;
  /** For the whole call, from now to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly trace: Trace;
  /**
   * Called once, when nothing more will happen between us and the payment API; `trace` is final then. Never before the
   * constructor has returned, and not at all if that throws.
   */
  readonly onEnded: () => void;
}

/** Methods that change nothing (RFC 9110 §9.2.1): a call with one of these is not worth finishing for nobody. */
const SAFE_METHODS = new Set(['GET', 'HEAD']);

/** One request to the payment API and what comes of it. It is never repeated. */
export class Exchange {
  #resolve: (answer: Answer) => void = () => {};
  #reject: (error: ProxyError) => void = () => {};
  /** The answer once it is whole, or once it has proved too large to be held; or a {@link ProxyError}. */
  readonly answer = new Promise<Answer>((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  readonly #trace: Trace;
  readonly #onEnded: () => void;
  readonly #isSafe: boolean;
  readonly #deadline: NodeJS.Timeout;
  readonly #request: ClientRequest;
  #response: IncomingMessage | undefined;
  /** The answer's body so far; none once it streams, or once nobody will read it. */
  #held: Buffer[] | undefined = [];
  #phaseStartedAtMs = performance.now();
  #ended = false;

  constructor(message: Message, { pool, upstream, timeoutMs, trace, onEnded }: ExchangeOptions) {
    this.#trace = trace;
    this.#onEnded = onEnded;
    this.#isSafe = SAFE_METHODS.has(message.method);
    const options: RequestOptions & PooledOptions = {
      // `http.ClientRequest` asks of an agent what ConnectionPool has; the public type asks for a class.
      agent: pool as unknown as Agent,
      host: upstream.hostname,
      port: upstream.port,
      method: message.method,
      path: message.path,
      headers: message.headers,
      setDefaultHeaders: false,
      upstream,
      trace,
    };
    this.#request = httpsRequest(options);
    this.#deadline = setTimeout(() => this.#fail({ code: CALL_DEADLINE }), timeoutMs);
    this.#listen(message.body?.length ?? 0);
    this.#request.end(message.body);
  }

  /**
   * The caller will not read the answer. What has not been sent, or changes nothing, is given up; anything else runs to
   * its end, so that a payment is not cut off because a phone lost its network.
   */
  abandon(): void {
    if (this.#ended) return;
    if (!this.#trace.handedOver || this.#isSafe) {
      this.#fail({ code: CALLER_GONE });
      return;
    }
    this.#held = undefined;
    this.#response?.unpipe();
    this.#response?.resume();
  }

  #listen(bodyBytes: number): void {
    const request = this.#request;
    request.on('socket', () => {
      this.#phaseStartedAtMs = performance.now();
      this.#trace.bytesSent = bodyBytes;
    });
    request.on('finish', () => {
      this.#endPhase('send', 'wait');
      notePassed(bodyBytes);
    });
    request.on('response', (response) => this.#onResponse(response));
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      this.#fail({ code: UNASKED_UPGRADE });
    });
    request.on('error', (error) => this.#onLost(error));
    request.on('close', () => this.#onLost({ message: 'The connection was closed without an answer' }));
  }

  /** The connection is gone, which is nothing to an answer that has come whole and waits to be read. */
  #onLost(failure: Failure): void {
    if (this.#response?.complete !== true) this.#fail(failure);
  }

  #onResponse(response: IncomingMessage): void {
    // A server may answer before it has read the whole request; then the phase of sending ends here.
    this.#endPhase('send', 'wait');
    this.#endPhase('wait', 'receive');
    this.#response = response;
    this.#trace.status = response.statusCode;
    this.#trace.endIsKnown = this.#request.shouldKeepAlive || hasOwnEnd(response, this.#request.method);
    response.on('data', (chunk: Buffer) => this.#onData(response, chunk));
    response.on('end', () => this.#onEnd(response));
    response.on('error', (error) => this.#fail(error));
    response.on('close', () => this.#fail({ message: 'The answer broke off' }));
  }

  #onData(response: IncomingMessage, chunk: Buffer): void {
    this.#trace.bytesReceived += chunk.length;
    notePassed(chunk.length);
    if (this.#held === undefined) return;
    this.#held.push(chunk);
    if (this.#trace.bytesReceived > HELD_BYTES) this.#stream(response, this.#held);
  }

  /** Stops holding: what is here goes back to the front of the stream, for its reader to begin with. */
  #stream(response: IncomingMessage, held: Buffer[]): void {
    this.#held = undefined;
    this.#trace.bytesReceived = 0;
    response.pause();
    response.unshift(Buffer.concat(held));
    this.#resolve(answerOf(response, response));
  }

  #onEnd(response: IncomingMessage): void {
    if (this.#ended) return;
    this.#endPhase('receive', 'receive');
    this.#trace.complete = true;
    noteCompleted(this);
    this.#end();
    if (!this.#request.writableFinished) this.#awaitSent();
    const held = this.#held;
    if (held === undefined) return;
    const [only] = held;
    this.#resolve(answerOf(response, held.length === 1 && only !== undefined ? only : Buffer.concat(held)));
  }

  /**
   * The answer came before we know that all of the request has left. Mostly that word is just late, and the connection
   * is free when it comes; but a server that answers and never reads on must not keep the connection.
   */
  #awaitSent(): void {
    const giveUp = setTimeout(() => this.#request.destroy(), UNREAD_REQUEST_MS);
    this.#request.once('close', () => clearTimeout(giveUp));
  }

  #fail(failure: Failure): void {
    if (this.#ended) return;
    const trace = this.#trace;
    trace.failure = failureCode(trace.phase, failure);
    if (trace.handedOver) this.#endPhase(trace.exchangePhase, trace.exchangePhase);
    else trace.stopConnecting();
    this.#end();
    this.#reject(new ProxyError(trace.failure, { outcome: trace.outcome, cause: failure }));
    // Without an error: the pool takes one for the peer's doing. The answer's stream, if any, breaks off with it.
    this.#request.destroy();
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#deadline);
    this.#onEnded();
  }

  #endPhase(phase: Trace['exchangePhase'], next: Trace['exchangePhase']): void {
    const trace = this.#trace;
    if (trace.exchangePhase !== phase) return;
    const nowMs = performance.now();
    trace.exchangePhasesMs[phase] = nowMs - this.#phaseStartedAtMs;
    this.#phaseStartedAtMs = nowMs;
    trace.exchangePhase = next;
  }
}

function answerOf(response: IncomingMessage, body: Answer['body']): Answer {
  // Node's client sets the status on every answer that it parses; its type serves requests too, which have none.
  return { status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, body };
}
