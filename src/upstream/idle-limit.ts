/** Connections that calls went over, and warm ones that none has used yet: servers often time the two apart. */
export type Kind = 'used' | 'unused';

interface PeerClose {
  readonly atMs: number;
  /** How long the connection had been idle when the peer closed it. */
  readonly lifeMs: number;
}

/** What the peer's closes have taught is forgotten after this time. */
export const MEMORY_MS = 3_600_000;
/** A restart closes all connections of a host at one moment; that says nothing about idle time, so it counts once. */
const SAME_MOMENT_MS = 1_000;
const CLOSES_TO_LEARN_FROM = 3;
/** Enough for the second shortest to be a steady figure, and a bound to what a hostile peer can make us keep. */
const MOST_REMEMBERED = 64;
const SAFE_SHARE = 0.8;
/** A peer's `Keep-Alive: timeout` is in whole seconds and runs from its own clock, half a round trip away. */
const HINT_MARGIN_MS = 1_000;

/** Below this many milliseconds a connection is not worth keeping: the peer would close it under the next request. */
export const SHORTEST_USEFUL_MS = 1_000;

/**
 * How long connections to one host may stay idle before we drop them, so that we are always earlier than the peer: the
 * smallest of the setting, the peer's hint and what its own closes have taught us (design §4). Times are milliseconds
 * of one monotonic clock that the caller reads.
 */
export class IdleLimit {
  readonly #settingMs: number;
  #hintMs = Number.POSITIVE_INFINITY;
  readonly #closes: { readonly [kind in Kind]: PeerClose[] } = { used: [], unused: [] };

  constructor(settingMs: number) {
    this.#settingMs = settingMs;
  }

  /** Takes the `timeout` parameter of a `Keep-Alive` response header, in seconds (RFC 2068 §19.7.1.1). */
  hint(timeoutSeconds: number): void {
    this.#hintMs = Math.max(0, timeoutSeconds * 1000 - HINT_MARGIN_MS);
  }

  /** Takes note that the peer closed a connection which had been idle for `lifeMs`. */
  peerClosed(kind: Kind, lifeMs: number, nowMs: number): void {
    const closes = this.#closes[kind];
    const last = closes.at(-1);
    if (last !== undefined && nowMs - last.atMs < SAME_MOMENT_MS) return;
    closes.push({ atMs: nowMs, lifeMs });
    if (closes.length > MOST_REMEMBERED) closes.shift();
  }

  /** The longest idle time for connections of this kind, in ms. */
  limitMs(kind: Kind, nowMs: number): number {
    return Math.min(this.#settingMs, this.#hintMs, this.learnedMs(kind, nowMs));
  }

  /** What the peer's own closes within the last hour have taught, in ms; infinite until there were three. */
  learnedMs(kind: Kind, nowMs: number): number {
    const closes = this.#closes[kind];
    while (closes[0] !== undefined && nowMs - closes[0].atMs > MEMORY_MS) closes.shift();
    if (closes.length < CLOSES_TO_LEARN_FROM) return Number.POSITIVE_INFINITY;
    let shortest = Number.POSITIVE_INFINITY;
    let secondShortest = Number.POSITIVE_INFINITY;
    for (const { lifeMs } of closes) {
      if (lifeMs < shortest) {
        secondShortest = shortest;
        shortest = lifeMs;
      } else if (lifeMs < secondShortest) {
        secondShortest = lifeMs;
      }
    }
    return secondShortest * SAFE_SHARE;
  }
}

/** The `timeout` of a `Keep-Alive` header in seconds, from an answer's raw headers; undefined if it has none. */
export function keepAliveHint(rawHeaders: readonly string[]): number | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length !== 10 || rawHeaders[i]?.toLowerCase() !== 'keep-alive') continue;
    const seconds = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,9})/i.exec(rawHeaders[i + 1] ?? '')?.[1];
    if (seconds !== undefined) return Number(seconds);
  }
  return undefined;
}
