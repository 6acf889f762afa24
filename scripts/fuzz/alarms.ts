/** What a process says when something in it goes wrong that no case can see: each would have ended or spoiled a service. */
export class Alarms {
  #first: unknown;
  readonly #onError = (error: unknown) => {
    this.#first ??= error;
  };
  readonly #onWarning = (warning: Error) => {
    if (warning.name === 'MaxListenersExceededWarning') this.#first ??= warning;
  };

  constructor() {
    process
      .on('uncaughtException', this.#onError)
      .on('unhandledRejection', this.#onError)
      .on('warning', this.#onWarning);
  }

  /** @throws Error if there was an alarm since this was asked last */
  check(): void {
    const cause = this.#first;
    this.#first = undefined;
    if (cause !== undefined) throw new Error(`The process raised an alarm: ${cause}`, { cause });
  }

  stop(): void {
    process
      .off('uncaughtException', this.#onError)
      .off('unhandledRejection', this.#onError)
      .off('warning', this.#onWarning);
  }
}
