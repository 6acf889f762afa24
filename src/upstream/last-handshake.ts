import type { ErrorCode } from '../errors.ts';

/** How a handshake ended: `ok`, or the code of what stopped it. */
export type HandshakeResult = 'ok' | ErrorCode;

/** The latest handshake with a host, for a person to read. */
export interface HandshakeReport {
  /** ISO 8601. */
  readonly at: string;
  /** "Completed" is not "accepted": a server may still refuse our certificate with an HTTP answer, as nginx does. */
  readonly result: 'handshake completed' | ErrorCode;
}

/** How the latest handshake with a host has ended; an operator is told when that changes. */
export class LastHandshake {
  #report: HandshakeReport | undefined;

  /** None before the first has ended. */
  get report(): HandshakeReport | undefined {
    return this.#report;
  }

  /**
   * Takes note that a handshake has just ended.
   *
   * @returns whether the one before it ended otherwise, or there was none
   */
  note(result: HandshakeResult): boolean {
    const summary = result === 'ok' ? 'handshake completed' : result;
    const isNews = this.#report?.result !== summary;
    this.#report = { at: new Date().toISOString(), result: summary };
    return isNews;
  }
}
