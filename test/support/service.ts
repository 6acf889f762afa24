import { pino } from 'pino';
import type { Authority } from '../../scripts/pki.ts';
import type { Environment } from '../../src/config/environment.ts';
import { readInputs } from '../../src/inputs.ts';
import { Service } from '../../src/service.ts';

/** A line of the service's log, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface RunningService {
  readonly port: number;
  readonly log: readonly LogLine[];
  /** Resolves with the log lines of calls as soon as there are so many of them. */
  callLines(count: number): Promise<readonly LogLine[]>;
  /** Hands over the lines so far and forgets them, so that a long run does not keep them all. */
  takeLog(): readonly LogLine[];
  readonly service: Service;
  /** Changes the environment, as an operator changes `.env`, and reloads. */
  reload(changes?: Environment): Promise<void>;
  close(): Promise<void>;
}

interface ServiceOptions {
  /** Issues our client certificate, and is the anchor against which servers are verified. */
  readonly authority: Authority;
  /** The ports on localhost that are listed as upstream hosts. */
  readonly upstreamPorts: readonly number[];
  /** Further settings by variable; these win. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The environment of a service that calls only these upstreams, on a free port, with a certificate of its own. */
export async function environmentFor({ authority, upstreamPorts, settings }: ServiceOptions): Promise<Environment> {
  const client = await authority.issue({ commonName: 'test-mini-app' });
  return {
    TOSS_PUBLIC_CRT: client.certPem,
    TOSS_PRIVATE_KEY: client.keyPem,
    UPSTREAM_CA_B64: Buffer.from(authority.certPem).toString('base64'),
    UPSTREAM_HOSTS: upstreamPorts.map((port) => `localhost:${port}`).join(','),
    UPSTREAM_WARM_CONNECTIONS: '0',
    PORT: '0',
    ...settings,
  };
}

/** Runs the real service in this process on a free port of the loopback interface, put together as `main.ts` does. */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  let env = await environmentFor(options);
  const load = () => readInputs(env, new Date());
  const inputs = await load();
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  const logger = pino(
    { level: inputs.config.logLevel, base: null },
    {
      write: (text: string) => {
        log.push(JSON.parse(text));
        for (const check of waiting) check();
      },
    },
  );
  const service = new Service({ inputs, load, version: '0.0.0-test', log: logger });
  const port = await service.start();
  const calls = () => log.filter(({ msg }) => msg === 'call');
  return {
    port,
    log,
    service,
    callLines: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (calls().length < count) return;
          waiting.delete(check);
          resolve(calls());
        };
        waiting.add(check);
        check();
      }),
    takeLog: () => log.splice(0),
    reload: (changes) => {
      env = { ...env, ...changes };
      return service.reload();
    },
    close: async () => service.stop(),
  };
}
