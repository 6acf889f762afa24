import type { Credentials } from '../credentials/credentials.ts';
import type { Log } from './log.ts';

const DAY_MS = 86_400_000;
const WARNED_DAYS = 30;
const URGENT_DAYS = 7;

/**
 * Says in the log that the client certificate ends soon: at start, after a reload, daily from 30 days before its end,
 * as an error from 7 days before, and at the very moment of its end.
 */
export class ExpiryWatch {
  readonly #credentials: () => Credentials;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;

  constructor(credentials: () => Credentials, log: Log) {
    this.#credentials = credentials;
    this.#log = log;
  }

  /** Says now what there is to say, and sees to the rest. */
  start(): void {
    const { subject, fingerprint, notAfter } = this.#credentials();
    const leftMs = notAfter.getTime() - Date.now();
    const daysLeft = Math.floor(leftMs / DAY_MS);
    const line = { subject, fingerprint, notAfter, daysLeft };
    if (leftMs < 0) this.#log.error(line, 'the client certificate has ended: payments fail until it is renewed');
    else if (leftMs <= URGENT_DAYS * DAY_MS) this.#log.error(line, `the client certificate ends ${inDays(daysLeft)}`);
    else if (leftMs <= WARNED_DAYS * DAY_MS) this.#log.warn(line, `the client certificate ends ${inDays(daysLeft)}`);
    clearTimeout(this.#timer);
    // Never longer than a day, also because timers take no more than 2^31 ms, which is 24.8 days.
    this.#timer = setTimeout(() => this.start(), Math.min(DAY_MS, untilNext(leftMs))).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** How long until there is more to say than now. */
function untilNext(leftMs: number): number {
  const marks = [WARNED_DAYS * DAY_MS, URGENT_DAYS * DAY_MS, -1].map((mark) => leftMs - mark);
  return Math.min(...marks.filter((restMs) => restMs > 0), DAY_MS);
}

function inDays(days: number): string {
  if (days === 0) return 'within a day: renew it now';
  return `in ${days} ${days === 1 ? 'day' : 'days'}: renew it`;
}
