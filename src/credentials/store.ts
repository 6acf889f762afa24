import { ConfigError } from '../config/config-error.ts';
import type { Config } from '../config.ts';
import type { Credentials } from './credentials.ts';
import type { FileStates } from './file-watch.ts';

/** What a reload replaces: all of it, or nothing. */
export interface Keys {
  readonly credentials: Credentials;
  /** Empty: callers need no key. */
  readonly apiKeys: Config['apiKeys'];
}

export interface LoadedKeys extends Keys {
  /** The files that hold them, as they were just before they were read. */
  readonly files: FileStates;
  /** For the log, one line each. */
  readonly warnings: readonly string[];
}

/** What came of trying new credentials; a problem keeps them out. */
export interface Trial {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface Reload {
  readonly at: Date;
  readonly result: 'ok' | 'unchanged' | 'failed';
  /** Why it failed, one line each, with the remedy. Never a value. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** The error that nobody expected, if there was one. */
  readonly bug?: unknown;
}

interface StoreOptions {
  /** Reads and judges everything anew, as at start; throws ConfigError. */
  readonly load: () => Promise<LoadedKeys>;
  /** Tries new credentials on the payment API before they are used. */
  readonly attempt: (next: Credentials, current: Credentials) => Promise<Trial>;
  /** The keys are others now. */
  readonly onChange: (next: Keys, previous: Keys) => void;
  /** A reload has ended. */
  readonly onEnd: (reload: Reload) => void;
}

/** The keys in use. A reload takes new ones only when all of them are good; if not, the old ones stay. */
export class CredentialStore {
  readonly #options: StoreOptions;
  #current: LoadedKeys;
  #lastReload: Reload | undefined;
  #latest: Promise<unknown> = Promise.resolve();
  #next: Promise<Reload> | undefined;

  constructor(first: LoadedKeys, options: StoreOptions) {
    this.#current = first;
    this.#options = options;
  }

  get current(): LoadedKeys {
    return this.#current;
  }

  get lastReload(): Reload | undefined {
    return this.#lastReload;
  }

  /**
   * Reads everything again and takes it if it is good. It never rejects. One reload runs at a time; it may have read
   * the files before they changed, so that all who ask meanwhile share one more after it.
   */
  reload(): Promise<Reload> {
    if (this.#next === undefined) {
      this.#next = this.#latest.then(() => {
        this.#next = undefined;
        return this.#run();
      });
      this.#latest = this.#next;
    }
    return this.#next;
  }

  async #run(): Promise<Reload> {
    const reload = { at: new Date(), ...(await this.#replace()) };
    this.#lastReload = reload;
    this.#options.onEnd(reload);
    return reload;
  }

  async #replace(): Promise<Omit<Reload, 'at'>> {
    try {
      const next = await this.#options.load();
      const warnings = [...next.warnings];
      const isNew = next.credentials.digest !== this.#current.credentials.digest;
      const problems = [...this.#openDoor(next)];
      if (isNew && problems.length === 0) {
        const trial = await this.#options.attempt(next.credentials, this.#current.credentials);
        problems.push(...trial.problems);
        warnings.push(...trial.warnings);
      }
      if (problems.length > 0) return { result: 'failed', problems, warnings };
      const credentials = isNew ? next.credentials : this.#current.credentials;
      const isChanged = isNew || !areSame(next.apiKeys, this.#current.apiKeys);
      // Connections belong to their credentials: equal ones stay the same object, and keep theirs.
      const previous = this.#current;
      this.#current = { ...next, credentials };
      if (isChanged) this.#options.onChange(this.#current, previous);
      return { result: isChanged ? 'ok' : 'unchanged', problems, warnings };
    } catch (error) {
      if (error instanceof ConfigError) return { result: 'failed', problems: error.problems, warnings: [] };
      return { result: 'failed', problems: ['The reload met a bug: see the log.'], warnings: [], bug: error };
    }
  }

  /** The address that is listened on was chosen at start, when callers needed a key. */
  #openDoor({ apiKeys }: Keys): readonly string[] {
    if (apiKeys.length > 0 || this.#current.apiKeys.length === 0) return [];
    return [
      'PROXY_API_KEYS: none is set any more, and a reload does not let callers in without a key. Set one, or restart.',
    ];
  }
}

function areSame(some: Config['apiKeys'], others: Config['apiKeys']): boolean {
  const spelled = (keys: Config['apiKeys']) => keys.map(({ name, key }) => `${name}:${key.reveal()}`).join();
  return spelled(some) === spelled(others);
}
