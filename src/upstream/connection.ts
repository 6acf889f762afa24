import type { ClientRequest, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { Failure } from './failure.ts';
import { Handshake, type HandshakeOptions } from './handshake.ts';
import type { Kind } from './idle-limit.ts';
import type { Phase, PhasesMs, Trace } from './trace.ts';

/**
 * `opening`: not settled yet. `idle`: ready, and nobody's. `taken`: chosen for a call, to be looked at once more.
 * `busy`: its call has it. `closed`: gone for good.
 */
export type ConnectionState = 'opening' | 'idle' | 'taken' | 'busy' | 'closed';

/** What a pool wants to know of its connections. */
export interface ConnectionEvents {
  /** It has settled and may be handed over. */
  onReady(connection: Connection): void;
  /** It ended before it was ready, in `connection.phase`. */
  onFailed(connection: Connection, failure: Failure): void;
  /** Its call is over and has left it fit for the next one. */
  onFree(connection: Connection): void;
  /** It was ready, and is gone; `was` is the state that it was in. */
  onClosed(connection: Connection, was: ConnectionState): void;
}

/** The field of a socket in which Node's HTTP client keeps the request that owns it. */
interface OwnedSocket {
  _httpMessage?: (ClientRequest & { readonly res?: IncomingMessage | null }) | null;
}

/** A connection of the pool: one TLS socket and whose turn it is. */
export class Connection {
  readonly host: UpstreamHost;
  readonly credentials: Credentials;
  state: ConnectionState = 'opening';
  /** Whether a call has gone over it. */
  kind: Kind = 'unused';
  /** When it last became idle, on the clock of `performance.now()`. */
  idleSinceMs = 0;
  /** What it was until its present call got it, how long it had been idle, and when that ended. */
  beforeCall: { readonly kind: Kind; readonly idleMs: number; readonly endedAtMs: number } | undefined;
  /** When it had settled. */
  readyAtMs = 0;
  /** Whether it was the peer that ended it, or made it useless. */
  endedByPeer = false;

  readonly #handshake: Handshake;
  readonly #socket: TLSSocket & OwnedSocket;
  readonly #events: ConnectionEvents;
  #failure: Failure | undefined;
  /** Bytes came that no request had asked for; whatever comes next over this connection is no answer. */
  #spoiled = false;

  constructor(host: UpstreamHost, credentials: Credentials, options: HandshakeOptions, events: ConnectionEvents) {
    this.host = host;
    this.credentials = credentials;
    this.#events = events;
    this.#handshake = new Handshake(host, credentials, options, () => this.#ready());
    this.#socket = this.#handshake.socket;
    // These stay for the connection's whole life, also while Node's HTTP client has its own beside them: between two
    // calls there must be somebody who hears an error, an end, or a balancer's unasked 408.
    this.#socket.on('data', () => this.#onData());
    this.#socket.on('end', () => this.#onEnd());
    this.#socket.on('error', (error) => this.#onError(error));
    this.#socket.on('free', () => this.#onFree());
    this.#socket.on('close', () => this.#onClose());
  }

  /** The phase that the handshake is in, or ended in. */
  get phase(): Phase {
    return this.#handshake.phase;
  }

  /** How long each phase of the handshake took so far, in ms. */
  get phasesMs(): PhasesMs {
    return this.#handshake.phasesMs;
  }

  /** The negotiated protocol, such as `TLSv1.3`. */
  get protocol(): string {
    return this.#socket.getProtocol() ?? '';
  }

  /** Whether a request can go over it: open both ways, and nothing waits in it to be taken for an answer. */
  get usable(): boolean {
    const socket = this.#socket;
    return !this.#spoiled && !socket.destroyed && socket.writable && socket.readable && socket.readableLength === 0;
  }

  /**
   * Gives the connection to a request; from here on the payment API may have read it. The caller has just seen, in the
   * same turn of the event loop, that the connection is usable and the request still alive: a closed socket or a
   * destroyed request would hang without a word.
   */
  handOver(request: ClientRequest, trace: Trace): void {
    const nowMs = performance.now();
    this.beforeCall = { kind: this.kind, idleMs: nowMs - this.idleSinceMs, endedAtMs: nowMs };
    this.state = 'busy';
    this.kind = 'used';
    trace.handedOver = true;
    request.onSocket(this.#socket);
  }

  /** Makes it nobody's again; its rest began then. */
  release(sinceMs: number): void {
    this.state = 'idle';
    this.idleSinceMs = sinceMs;
  }

  /** Ends it, whatever it is doing. */
  drop(): void {
    this.#socket.destroy();
  }

  /** The answer to the present call, if its head has come. */
  get answer(): IncomingMessage | null | undefined {
    return this.#socket._httpMessage?.res;
  }

  #ready(): void {
    this.readyAtMs = performance.now();
    if (!this.usable) {
      this.drop();
      return;
    }
    this.release(this.readyAtMs);
    this.#events.onReady(this);
  }

  #onData(): void {
    // While a call is on, its bytes are the HTTP client's business; after the answer's last byte they are nobody's.
    if (this.state === 'busy' && this.answer?.complete !== true) return;
    this.#spoiled = true;
    if (this.state === 'busy') return;
    this.endedByPeer = true;
    this.drop();
  }

  #onEnd(): void {
    this.endedByPeer = true;
    if (this.state !== 'busy') this.drop();
  }

  #onError(error: Failure): void {
    this.#failure ??= error;
    this.endedByPeer = true;
    // Node lets some time pass between an alert and the close, in which a call could still be given this connection.
    if (this.state !== 'busy') this.drop();
  }

  /** Node's HTTP client says `free` when a call is over, and also for a request that was gone before it began. */
  #onFree(): void {
    if (this.state !== 'busy') return;
    const request = this.#socket._httpMessage;
    // Node marks a request as destroyed before it frees its connection. Where it frees one twice, which Node 20 does not
    // rule out for a request that leaves late, the second word comes while the next call is on.
    const isOver = request?.destroyed === true;
    if (!isOver || !request.shouldKeepAlive || !this.usable) {
      this.drop();
      return;
    }
    this.#events.onFree(this);
    this.#socket._httpMessage = null;
  }

  #onClose(): void {
    const was = this.state;
    this.state = 'closed';
    if (was === 'opening') {
      this.#events.onFailed(this, this.#failure ?? { message: 'The connection was closed before it was ready' });
    } else {
      this.#events.onClosed(this, was);
    }
  }
}
