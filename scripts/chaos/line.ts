import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { certificateAlert } from './late-alert.ts';

interface LineParts {
  readonly socket: TLSSocket;
  /** The TCP connection beneath. */
  readonly tcp: Socket;
  /** SERVER_TRAFFIC_SECRET_0, if a late alert can be sent. */
  readonly secret: Buffer | undefined;
  /** How many session tickets went out with the handshake. */
  readonly tickets: number;
  /** Told when the connection is reset. */
  readonly onReset: () => void;
}

/** A server's end of a TLS connection, and all that it can do with it, good or bad. */
export class Line {
  /** Fulfilled when the connection has ended. */
  readonly closed: Promise<void>;
  /** When the system had something to send that nobody had asked for, on the clock of `performance.now()`. */
  strayAtMs: number | undefined;
  /** Whether nothing will be answered any more. */
  isLeaving = false;
  readonly #parts: LineParts;
  #hasWritten = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.closed = new Promise((resolve) => parts.socket.once('close', () => resolve()));
  }

  /** Sends bytes; fulfilled when the system has them, or the connection has ended. */
  async write(bytes: Buffer | string): Promise<void> {
    const { socket } = this.#parts;
    if (!socket.writable) return;
    this.#hasWritten = true;
    const written = new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    await Promise.race([written, this.closed]);
  }

  /** Waits so many ms, or until the connection has ended. */
  async pause(ms: number): Promise<void> {
    if (ms > 0) await Promise.race([sleep(ms), this.closed]);
  }

  /** Ends it as TLS asks for (`close_notify`, RFC 8446 §6.1), then TCP's way. */
  end(): void {
    this.isLeaving = true;
    this.#parts.socket.end();
  }

  /** Ends it TCP's way only. */
  cut(): void {
    this.isLeaving = true;
    this.#parts.tcp.end();
  }

  reset(): void {
    this.isLeaving = true;
    this.#parts.onReset();
    this.#parts.tcp.resetAndDestroy();
  }

  /** Says something that nobody has asked for. */
  async stray(bytes: string): Promise<void> {
    this.isLeaving = true;
    await this.write(bytes);
    this.strayAtMs = performance.now();
  }

  /** Sends a TLS alert about the client's certificate and ends the connection; a reset stands in where none can be made. */
  refuseCertificate(): void {
    const { secret, tcp, tickets } = this.#parts;
    if (secret === undefined || this.#hasWritten) {
      this.reset();
      return;
    }
    this.isLeaving = true;
    tcp.end(certificateAlert(secret, tickets));
  }
}
