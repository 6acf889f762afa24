import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import type { LoadedKeys } from './credentials/store.ts';
import { Callers } from './http/authenticate.ts';
import type { Call } from './http/call.ts';
import { createListener } from './http/listen.ts';
import { Redis } from './http/redis.ts';
import type { Inputs } from './inputs.ts';
import { Lifecycle } from './lifecycle.ts';
import { createAdmin } from './observe/admin.ts';
import { type Log, logCall, logHandshake } from './observe/log.ts';
import { describeError } from './observe/log-error.ts';
import { Metrics } from './observe/metrics.ts';
import type { Tracing } from './observe/tracing.ts';
import { Renewal } from './renewal.ts';
import { ConnectionPool } from './upstream/pool.ts';

/** How long callers' connections that are idle are kept when a drain begins: a call may already be on its way. */
const LAST_REQUEST_MS = 1_000;

/** Connections that may wait to be accepted; Node's own 511 is less than a burst of callers (listen(2)). */
const BACKLOG = 4096;

/** Of a timer that need not keep the process alive. */
const UNAWAITED = { ref: false };

/** What a service is made of. */
interface Parts {
  readonly inputs: Inputs;
  /** Reads and judges the keys anew, for a reload; throws ConfigError. */
  readonly load: () => Promise<LoadedKeys>;
  readonly version: string;
  readonly log: Log;
  readonly tracing?: Tracing | undefined;
}

/** The service, put together and on its ports; it knows neither the environment nor signals. */
export class Service {
  readonly #config: Config;
  readonly #log: Log;
  readonly #lifecycle = new Lifecycle<Call>();
  readonly #pool: ConnectionPool;
  readonly #redis: Redis | undefined;
  readonly #server: Server;
  readonly #admin: Server | undefined;
  readonly #renewal: Renewal;

  constructor({ inputs, load, version, log, tracing }: Parts) {
    const { config, credentials } = inputs;
    this.#config = config;
    this.#log = log;
    this.#pool = new ConnectionPool(credentials, {
      hosts: config.upstreamHosts,
      connectTimeoutMs: config.upstreamConnectTimeoutMs,
      idleTimeoutMs: config.upstreamIdleTimeoutMs,
      warmConnections: config.upstreamWarmConnections,
      observer: {
        onHandshake: (host, result, isNews, failure) => {
          metrics.handshakes.inc({ target: host.label, result });
          if (isNews) logHandshake(log, host.label, result, failure);
        },
      },
    });
    const metrics = new Metrics({
      inFlight: () => this.#lifecycle.inFlight,
      connections: () => this.#pool.status(),
      certificateNotAfter: () => this.#renewal.current.credentials.notAfter,
    });
    const { apiKeys, redisUrl } = config;
    const callers = new Callers(apiKeys);
    this.#renewal = new Renewal({
      first: inputs,
      load,
      hosts: config.upstreamHosts,
      connectTimeoutMs: config.upstreamConnectTimeoutMs,
      log,
      onChange: (next, previous) => {
        callers.adopt(next.apiKeys);
        if (next.credentials !== previous.credentials) this.#pool.adopt(next.credentials);
      },
      onReload: ({ result }) => metrics.reloads.inc({ result }),
    });
    this.#redis = redisUrl && new Redis(redisUrl, (isAway, cause) => logRedis(log, isAway, cause));
    const app = createApp({
      config,
      version,
      callers,
      redis: this.#redis,
      pool: this.#pool,
      lifecycle: this.#lifecycle,
      onCallEnded: (call) => {
        metrics.count(call);
        tracing?.record(call);
        logCall(log, call, this.#lifecycle.state === 'stopped');
      },
      onInternalError: (error, requestId) => log.error({ requestId, ...describeError(error) }, 'internal error'),
    });
    this.#server = createListener(app, (code, requestId, peer) =>
      log.info({ requestId, code, peer }, 'refused by the parser'),
    );
    if (config.metrics === undefined) return;
    metrics.watchProcess();
    const status = () => ({
      service: { version, state: this.#lifecycle.state, inFlight: this.#lifecycle.inFlight },
      ...this.#renewal.status(),
      targets: this.#pool.status(),
    });
    this.#admin = createAdmin(metrics, status, (error) => log.error(describeError(error), 'internal error'));
  }

  /**
   * Listens, and begins to keep connections warm.
   *
   * @returns the port, which differs from the setting if that was 0
   * @throws the error of `listen`, such as `EADDRINUSE`
   */
  async start(): Promise<number> {
    const { host, port, metrics } = this.#config;
    if (metrics !== undefined) this.#startAdmin(metrics);
    await this.#redis?.open();
    this.#server.listen({ port, host, backlog: BACKLOG });
    await once(this.#server, 'listening');
    // Out of descriptors, for example; what is connected is served on.
    this.#server.on('error', (error) => this.#log.error(describeError(error), 'a connection could not be accepted'));
    this.#lifecycle.become('ready');
    this.#pool.keepWarm();
    this.#renewal.start();
    return portOf(this.#server);
  }

  /** Reads `.env` and files again, and takes what they hold if all of it is good; harmless at any time. */
  async reload(): Promise<void> {
    await this.#renewal.reload();
  }

  /**
   * Ends the service without losing a call: first the balancer is told to look away, then nothing new is let in, then
   * the calls in flight are awaited.
   *
   * @param delayMs how long calls are still welcome while `GET /` says 503
   * @returns whether every call came to its end before SHUTDOWN_TIMEOUT_MS
   */
  async drain(delayMs: number): Promise<boolean> {
    this.#lifecycle.become('draining');
    await delay(delayMs);
    this.#lifecycle.become('closing');
    for (const call of this.#lifecycle.calls) call.closeConnectionAfterwards();
    this.#pool.close();
    const allEnded = await Promise.race([this.#lastCalls(), delay(this.#config.shutdownTimeoutMs, false, UNAWAITED)]);
    this.stop();
    return allEnded;
  }

  /** Ends everything at once; each call that is cut has its log line. */
  stop(): void {
    this.#lifecycle.become('stopped');
    for (const call of this.#lifecycle.calls) call.cut();
    this.#server.closeAllConnections();
    this.#admin?.close();
    this.#pool.close();
    this.#renewal.stop();
    this.#redis?.close();
  }

  /** Closes the listener, and serves what is connected to its end. */
  async #lastCalls(): Promise<true> {
    const closed = once(this.#server, 'close');
    // Not the HTTP server's own `close`: that cuts idle connections, and with them the calls already on their way.
    NetServer.prototype.close.call(this.#server);
    await Promise.race([closed, delay(LAST_REQUEST_MS, undefined, UNAWAITED)]);
    this.#server.closeIdleConnections();
    await this.#lifecycle.empty();
    return true;
  }

  #startAdmin({ host, port }: NonNullable<Config['metrics']>): void {
    const admin = this.#admin;
    admin?.on('error', (error: NodeJS.ErrnoException) => {
      this.#log.warn({ errorCode: error.code, port }, 'METRICS_PORT cannot be listened on; metrics are off');
    });
    admin?.listen(port, host, () => this.#log.info({ host, port: portOf(admin) }, 'metrics'));
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('A server that listens on a port has one');
  return address.port;
}

function logRedis(log: Log, isAway: boolean, cause: string | undefined): void {
  if (isAway) log.warn({ cause }, 'REDIS_URL: Redis is away; calls are not limited until it is back');
  else log.info('REDIS_URL: Redis is back; calls are limited again');
}
