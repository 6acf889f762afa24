import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import type { Credentials } from './credentials/credentials.ts';
import type { Call } from './http/call.ts';
import { createListener } from './http/listen.ts';
import { Lifecycle } from './lifecycle.ts';
import { createAdmin } from './observe/admin.ts';
import { type Log, logCall, logHandshake } from './observe/log.ts';
import { describeError } from './observe/log-error.ts';
import { Metrics } from './observe/metrics.ts';
import { ConnectionPool } from './upstream/pool.ts';

/** What a service is made of. */
interface Parts {
  readonly config: Config;
  readonly credentials: Credentials;
  readonly version: string;
  readonly log: Log;
}

/** The service, put together and on its ports; it knows neither the environment nor signals. */
export class Service {
  readonly #config: Config;
  readonly #log: Log;
  readonly #lifecycle = new Lifecycle<Call>();
  readonly #pool: ConnectionPool;
  readonly #server: Server;
  readonly #admin: Server | undefined;

  constructor({ config, credentials, version, log }: Parts) {
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
      certificateNotAfter: () => credentials.notAfter,
    });
    const app = createApp({
      config,
      version,
      pool: this.#pool,
      lifecycle: this.#lifecycle,
      onCallEnded: (call) => {
        metrics.count(call);
        logCall(log, call);
      },
      onInternalError: (error, requestId) => log.error({ requestId, ...describeError(error) }, 'internal error'),
    });
    this.#server = createListener(app, (code, requestId) => log.info({ code, requestId }, 'refused by the parser'));
    if (config.metrics === undefined) return;
    this.#admin = createAdmin(metrics, () => ({
      service: { version, state: this.#lifecycle.state, inFlight: this.#lifecycle.inFlight },
      certificate: {
        subject: credentials.subject,
        fingerprint: credentials.fingerprint,
        notAfter: credentials.notAfter.toISOString(),
      },
      targets: this.#pool.status(),
    }));
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
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#lifecycle.become('ready');
    this.#pool.keepWarm();
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
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
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#pool.close();
    const ended = Promise.all([closed, this.#lifecycle.empty()]).then(() => true);
    const done = await Promise.race([ended, delay(this.#config.shutdownTimeoutMs, false, { ref: false })]);
    this.stop();
    return done;
  }

  /** Ends everything at once; each call that is cut has its log line. */
  stop(): void {
    for (const call of [...this.#lifecycle.calls]) call.cut();
    this.#lifecycle.become('stopped');
    this.#server.closeAllConnections();
    this.#admin?.close();
    this.#pool.close();
  }

  #startAdmin({ host, port }: NonNullable<Config['metrics']>): void {
    this.#admin?.on('error', (error: NodeJS.ErrnoException) => {
      this.#log.warn({ errorCode: error.code, port }, 'METRICS_PORT cannot be listened on; metrics are off');
    });
    this.#admin?.listen(port, host);
  }
}
