import { isIP, type LookupFunction } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { CONNECT_DEADLINE } from './failure.ts';
import type { Phase, PhasesMs } from './trace.ts';

/**
 * Added to the longer of the TCP and the TLS phase while a fresh connection settles, where the server sends no ticket.
 * Design §1 says 5 ms; on a busy machine a refusal then came too late for 2 to 12 of 100 connections, with 50 ms for none.
 */
const SETTLE_MARGIN_MS = 50;

/** It passes in steps: a machine that stood still, and perhaps the server with it, has used up one of them at most. */
const SETTLE_STEP_MS = 5;

/** TCP probes after this much silence, so that a dead peer is noticed although nothing is sent. */
const TCP_KEEP_ALIVE_MS = 15_000;

export interface HandshakeOptions {
  /** For name look-up, TCP, TLS and settling together. */
  readonly connectTimeoutMs: number;
  /** Replaces the system's name look-up. */
  readonly lookup?: LookupFunction | undefined;
}

/**
 * A connection on its way: name look-up, TCP, TLS, and then the time in which a TLS 1.3 server may still refuse our
 * certificate, because it reads it only after our side of the handshake has ended (RFC 8446 §4.4.2).
 *
 * It calls `onSettled` once, or its socket closes; nothing else.
 */
export class Handshake {
  readonly socket: TLSSocket;
  phase: Phase = 'dns';
  readonly #endedMs: PhasesMs = {};
  #phaseStartedAtMs = performance.now();
  #onSettled: (() => void) | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #settled: NodeJS.Timeout | undefined;

  constructor(host: UpstreamHost, credentials: Credentials, options: HandshakeOptions, onSettled: () => void) {
    this.#onSettled = onSettled;
    const isAddress = isIP(host.hostname) !== 0;
    if (isAddress) this.phase = 'tcp';
    // Named fields only: a request's own options, spread into these, would turn its path into a Unix socket.
    this.socket = connect({
      host: host.hostname,
      port: host.port,
      servername: isAddress ? '' : host.hostname,
      secureContext: credentials.secureContext,
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      ...(options.lookup && { lookup: options.lookup }),
    });
    this.#deadline = setTimeout(() => this.#expire(), options.connectTimeoutMs);
    this.#listen();
  }

  /** How long each phase took, in ms; the one that is under way counts up to now. */
  get phasesMs(): PhasesMs {
    if (this.#onSettled === undefined) return this.#endedMs;
    return { ...this.#endedMs, [this.phase]: performance.now() - this.#phaseStartedAtMs };
  }

  #listen(): void {
    const { socket } = this;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    // A name with several addresses is announced once for each.
    socket.on('lookup', (error) => {
      if (!error && this.phase === 'dns') this.#endPhase('tcp');
    });
    socket.once('connect', () => this.#endPhase('tls'));
    socket.once('secureConnect', () => this.#awaitRefusal());
    socket.once('close', () => {
      if (this.#onSettled !== undefined) this.#endPhase(this.phase);
      this.#onSettled = undefined;
      this.#stopTimers();
    });
  }

  /** Lets go of them as well: a connection lives longer than its handshake. */
  #stopTimers(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#settled);
    this.#deadline = undefined;
    this.#settled = undefined;
  }

  #endPhase(next: Phase): void {
    const nowMs = performance.now();
    this.#endedMs[this.phase] = nowMs - this.#phaseStartedAtMs;
    this.#phaseStartedAtMs = nowMs;
    this.phase = next;
  }

  #awaitRefusal(): void {
    // Up to TLS 1.2 the server's last word comes after it has judged our certificate.
    if (this.socket.getProtocol() !== 'TLSv1.3') {
      setImmediate(() => this.#settle());
      return;
    }
    // A ticket is sent to a client that was accepted. Writing from within its event hangs on Node 20 and 24.
    this.socket.once('session', () => setImmediate(() => this.#settle()));
    const { tcp = 0, tls = 0 } = this.phasesMs;
    this.#settleIn(Math.ceil((Math.max(tcp, tls) + SETTLE_MARGIN_MS) / SETTLE_STEP_MS));
  }

  #settleIn(steps: number): void {
    this.#settled = setTimeout(() => {
      if (steps > 1) this.#settleIn(steps - 1);
      else setImmediate(() => this.#settle());
    }, SETTLE_STEP_MS);
  }

  #settle(): void {
    const onSettled = this.#onSettled;
    if (onSettled === undefined || this.socket.destroyed) return;
    this.#onSettled = undefined;
    this.#stopTimers();
    this.#endPhase('send');
    onSettled();
  }

  #expire(): void {
    const error = new Error('The connection was not ready within UPSTREAM_CONNECT_TIMEOUT_MS');
    this.socket.destroy(Object.assign(error, { code: CONNECT_DEADLINE }));
  }
}
