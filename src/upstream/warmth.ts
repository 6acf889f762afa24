const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 60_000;
/** A connection that lived this long shows that the host is well again. */
const HEALTHY_LIFE_MS = 10_000;
/** A host that closes unused connections this soon does not want them. */
const UNWELCOME_LIFE_MS = 5_000;
const UNWELCOME_TIMES = 3;
const UNWELCOME_REST_MS = 600_000;

/** Decides when warm connections to a host may be opened, and when the host is left alone for a while. */
export class Warmth {
  readonly #target: number;
  readonly #onRested: () => void;
  #failuresInARow = 0;
  #unwelcomeInARow = 0;
  #rest: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `onRested` is called when a rest is over. */
  constructor(target: number, onRested: () => void) {
    this.#target = target;
    this.#onRested = onRested;
  }

  /** How many connections are to be held open now. */
  get wanted(): number {
    return this.#stopped || this.#rest !== undefined ? 0 : this.#target;
  }

  /** A warm connection could not be opened. */
  failed(): void {
    // What fails during a rest was opened before it, and fails together with what has been counted.
    if (this.#rest !== undefined) return;
    this.#failuresInARow += 1;
    const fullMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (this.#failuresInARow - 1));
    // Full jitter from one half up, so that processes that lost a provider together do not return together.
    this.#restFor(fullMs * (0.5 + Math.random() / 2));
  }

  /** A connection that was open has ended after `lifeMs`; `unwelcome` if the peer closed it before any call used it. */
  ended(lifeMs: number, unwelcome: boolean): void {
    if (lifeMs >= HEALTHY_LIFE_MS) this.#failuresInARow = 0;
    if (!unwelcome || lifeMs >= UNWELCOME_LIFE_MS) this.#unwelcomeInARow = 0;
    if (!unwelcome || this.#rest !== undefined) return;
    this.failed();
    if (lifeMs >= UNWELCOME_LIFE_MS) return;
    this.#unwelcomeInARow += 1;
    if (this.#unwelcomeInARow < UNWELCOME_TIMES) return;
    this.#unwelcomeInARow = 0;
    this.#restFor(UNWELCOME_REST_MS);
  }

  /** Forgets what was: the credentials are new. */
  restart(): void {
    this.#failuresInARow = 0;
    this.#unwelcomeInARow = 0;
    clearTimeout(this.#rest);
    this.#rest = undefined;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#rest);
  }

  #restFor(restMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.#onRested();
    }, restMs).unref();
  }
}
