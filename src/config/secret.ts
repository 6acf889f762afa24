import { inspect } from 'node:util';

const MASK = '[secret]';

/**
 * A text that must not be printed. Whatever prints, joins, logs or serialises it sees `[secret]`; only `reveal()` gives
 * it away, so that every use can be found by that word.
 */
export class Secret {
  // A private field of the language, not of the type checker: no inspector, spread or serialiser sees it.
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
