const WINDOW_MS = 60_000;

/** How many calls of one kind a user is granted in any 60 seconds. */
export class UserQuota {
  readonly #calls: number;
  readonly #times = new Map<string, number[]>();

  constructor(calls: number) {
    this.#calls = calls;
  }

  /** @returns false when this user has none left */
  take(userKey: string): boolean {
    const now = Date.now();
    const recent = (this.#times.get(userKey) ?? []).filter((time) => time > now - WINDOW_MS);
    if (recent.length >= this.#calls) return false;
    this.#times.set(userKey, [...recent, now]);
    return true;
  }
}
