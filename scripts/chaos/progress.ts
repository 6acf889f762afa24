import type { WriteStream } from 'node:tty';

const BAR_COLUMNS = 30;
const BAR_EVERY_MS = 200;
const LINE_EVERY_MS = 10_000;

/** Shows how far a run is: a bar that moves in a terminal, else a line now and then. */
export class Progress {
  readonly #calls: number;
  readonly #out: WriteStream;
  readonly #startedAtMs = performance.now();
  #shownAtMs = performance.now();

  constructor(calls: number, out: WriteStream) {
    this.#calls = calls;
    this.#out = out;
  }

  update(done: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#shownAtMs < (this.#out.isTTY ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
    this.#shownAtMs = nowMs;
    const perSecond = Math.round((done / (nowMs - this.#startedAtMs)) * 1000);
    const text = `${done.toLocaleString('en')} of ${this.#calls.toLocaleString('en')} calls, ${perSecond}/s`;
    if (!this.#out.isTTY) {
      this.#out.write(`${text}\n`);
      return;
    }
    const full = Math.round((done / this.#calls) * BAR_COLUMNS);
    this.#out.write(`\r[${'#'.repeat(full)}${'.'.repeat(BAR_COLUMNS - full)}] ${text}\x1b[K`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }
}
