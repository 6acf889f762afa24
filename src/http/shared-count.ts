import type { ClientRateLimitInfo, Options, Store } from 'express-rate-limit';
import type { RedisStore } from 'rate-limit-redis';
import type { Redis } from './redis.ts';

/**
 * Counts that all processes share through Redis. When Redis is away, a count fails at once, or goes to a store of this
 * process if there is one; when it is back, its scripts are loaded again, since it may have forgotten them.
 */
export class SharedCount implements Store {
  readonly prefix: string;
  readonly #redis: Redis;
  readonly #whenAway: Store | undefined;
  #options: Options | undefined;
  #store: Promise<RedisStore> | undefined;

  /** @param name makes the keys of this count differ from those of the others */
  constructor(redis: Redis, name: string, whenAway?: Store) {
    this.prefix = `toss-mtls-proxy:${name}:`;
    this.#redis = redis;
    this.#whenAway = whenAway;
  }

  init(options: Options): void {
    this.#options = options;
    this.#whenAway?.init?.(options);
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    try {
      this.#store ??= this.#load();
      const info = await (await this.#store).increment(key);
      this.#redis.note();
      return info;
    } catch (error) {
      this.#store = undefined;
      this.#redis.note(error);
      if (this.#whenAway === undefined) throw error;
      return this.#whenAway.increment(key);
    }
  }

  async decrement(key: string): Promise<void> {
    await (await this.#store)?.decrement(key);
  }

  async resetKey(key: string): Promise<void> {
    await (await this.#store)?.resetKey(key);
  }

  async #load(): Promise<RedisStore> {
    const { RedisStore } = await import('rate-limit-redis');
    const store = new RedisStore({ prefix: this.prefix, sendCommand: (...command) => this.#redis.send(command) });
    if (this.#options === undefined) throw new TypeError('A store must be initialised before it counts');
    await store.init(this.#options);
    return store;
  }
}
