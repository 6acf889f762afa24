import { stat } from 'node:fs/promises';

/** Files by path, each with a text that changes whenever what the path leads to does. */
export type FileStates = ReadonlyMap<string, string>;

interface Timing {
  /** How often the files are looked at. */
  readonly intervalMs: number;
  /** How long they must not have changed before a change is told: a pair is renewed file by file. */
  readonly stillMs: number;
}

const TIMING: Timing = { intervalMs: 2_000, stillMs: 1_000 };

/** Looks at each of the files, through symbolic links; one that is not there has a state too. */
export async function fileStates(paths: readonly string[]): Promise<FileStates> {
  return new Map(await Promise.all(paths.map(async (path) => [path, await stateOf(path)] as const)));
}

/**
 * Notices that files have changed, by looking at them every few seconds: events of the file system are lost on network
 * volumes, and below a symbolic link that is renamed, as Kubernetes and certbot do it.
 */
export class FileWatch {
  readonly #onChange: () => void;
  readonly #timing: Timing;
  #known: FileStates;
  /** What they were at the last look, if that was not what is known. */
  #changing: FileStates | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /**
   * @param known what they were just before they were last read
   * @param onChange called when they have changed and been still for a while
   */
  constructor(known: FileStates, onChange: () => void, timing: Timing = TIMING) {
    this.#known = known;
    this.#onChange = onChange;
    this.#timing = timing;
  }

  start(): void {
    this.#lookIn(this.#timing.intervalMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** They have been read, or others instead of them; a change since then is to be told. */
  follow(known: FileStates): void {
    this.#known = known;
    this.#changing = undefined;
  }

  #lookIn(restMs: number): void {
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), restMs).unref();
  }

  async #look(): Promise<void> {
    const seen = await fileStates([...this.#known.keys()]);
    if (this.#stopped) return;
    if (areSame(seen, this.#known)) {
      this.#changing = undefined;
      this.#lookIn(this.#timing.intervalMs);
    } else if (this.#changing === undefined || !areSame(seen, this.#changing)) {
      this.#changing = seen;
      this.#lookIn(this.#timing.stillMs);
    } else {
      this.follow(seen);
      this.#lookIn(this.#timing.intervalMs);
      this.#onChange();
    }
  }
}

async function stateOf(path: string): Promise<string> {
  try {
    const found = await stat(path, { bigint: true });
    // A pipe, as `<(pass show …)` is one, can be read once only, and its times change with that.
    if (!found.isFile()) return 'not a file';
    return [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}

function areSame(some: FileStates, others: FileStates): boolean {
  return [...some].every(([path, state]) => others.get(path) === state);
}
