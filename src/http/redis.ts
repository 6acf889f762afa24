import type { RedisReply } from 'rate-limit-redis';
import type { Secret } from '../config/secret.ts';

/** Far more than Redis takes beside its callers; beyond it a call would notice. */
const REPLY_TIMEOUT_MS = 250;
const CONNECT_TIMEOUT_MS = 2_000;
const MAX_RETRY_DELAY_MS = 2_000;

/** A connection is asked for a sign of life so often, and given up when it has been still for longer. */
const PING_INTERVAL_MS = 2_000;
const SILENCE_TIMEOUT_MS = 5_000;

/** The part of node-redis's client that is used once it has been made. */
interface Client {
  sendCommand<T>(command: readonly string[]): Promise<T>;
  destroy(): void;
}

/**
 * A connection to Redis that never keeps a caller waiting: without a connection, or while an earlier command is overdue,
 * a command fails at once. It connects again by itself for as long as it takes. The client's code is loaded when it is
 * opened, so a service without Redis has none of it.
 */
export class Redis {
  readonly #url: Secret;
  readonly #onChange: (isAway: boolean, cause: string | undefined) => void;
  #client: Client | undefined;
  #overdue = 0;
  #isAway = false;
  #isClosed = false;

  /** @param onChange told when Redis goes away, with a code of why if there is one, and when it is back */
  constructor(url: Secret, onChange: (isAway: boolean, cause: string | undefined) => void) {
    this.#url = url;
    this.#onChange = onChange;
  }

  /** Connects. Resolves when the first attempt has succeeded, or has failed; it never rejects. */
  async open(): Promise<void> {
    try {
      const client = await this.#create();
      if (this.#isClosed) return;
      await new Promise<void>((resolve, reject) => {
        const deadline = setTimeout(() => reject(timeout()), CONNECT_TIMEOUT_MS);
        client.once('ready', resolve).once('error', reject);
        client
          .connect()
          .catch(reject)
          .finally(() => clearTimeout(deadline));
      });
    } catch (error) {
      this.note(error);
    }
  }

  /** Ends the connection for good; commands that are under way fail. */
  close(): void {
    this.#isClosed = true;
    this.#client?.destroy();
  }

  /** Resolves with the reply, or rejects in about {@link REPLY_TIMEOUT_MS}. */
  async send(command: string[]): Promise<RedisReply> {
    const client = this.#client;
    if (client === undefined || this.#overdue > 0) throw new Error('Redis is away');
    return new Promise((resolve, reject) => {
      let isOverdue = false;
      let isSettled = false;
      // A reply that has come while this process was busy with other things is read in that turn.
      const deadline = setTimeout(() => setImmediate(expire), REPLY_TIMEOUT_MS);
      const expire = () => {
        if (isSettled) return;
        isOverdue = true;
        this.#overdue += 1;
        reject(timeout());
      };
      const settle = () => {
        isSettled = true;
        clearTimeout(deadline);
        if (isOverdue) this.#overdue -= 1;
      };
      client.sendCommand<RedisReply>(command).then(resolve, reject).finally(settle);
    });
  }

  /** Notes how work with Redis has ended; what differs from before is told. */
  note(error?: unknown): void {
    const isAway = error !== undefined;
    if (this.#isClosed || isAway === this.#isAway) return;
    this.#isAway = isAway;
    this.#onChange(isAway, isAway ? causeOf(error) : undefined);
  }

  async #create() {
    const { createClient } = await import('redis');
    const client = createClient({
      url: this.#url.reveal(),
      disableOfflineQueue: true,
      pingInterval: PING_INTERVAL_MS,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SILENCE_TIMEOUT_MS,
        reconnectStrategy: (retries) => Math.min(100 * 2 ** Math.min(retries, 10), MAX_RETRY_DELAY_MS),
      },
    });
    client.on('error', (error) => this.note(error));
    client.on('ready', () => this.note());
    this.#client = client;
    return client;
  }
}

function timeout(): Error {
  return Object.assign(new Error('Redis did not reply in time'), { code: 'ETIMEDOUT' });
}

/**
 * `ECONNREFUSED`, the word with which Redis begins a refusal (`WRONGPASS`, `READONLY`), or the kind of error; never a
 * text, which may quote.
 */
function causeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return /^[A-Z]+(?= )/.exec(error.message)?.[0] ?? error.constructor.name;
}
