import { randomBytes } from 'node:crypto';
import { type Authority, createAuthority } from '../pki.ts';
import { CALLS_PER_RESTLESS_HOST, type Hosts, planCall } from './plan.ts';
import { type Build, type ServiceProcess, startService } from './service.ts';
import { Trial } from './trial.ts';
import { type ChaosUpstream, startUpstream } from './upstream.ts';

interface SceneOptions {
  readonly seed: number;
  readonly calls: number;
  /** How many callers there will be. */
  readonly atOnce: number;
  readonly build: Build;
}

/** The service as a process, the payment API behind it, and who takes notes of both. */
export interface Scene {
  readonly trial: Trial;
  readonly upstream: ChaosUpstream;
  readonly service: ServiceProcess;
  readonly apiKey: string;
  /** Lines of the service's log that are none of its own. */
  readonly strayLines: readonly string[];
  close(): Promise<void>;
}

const MOST_RESTLESS_HOSTS = 200;

/** Starts everything; nothing is left when it fails. */
export async function openScene({ seed, calls, atOnce, build }: SceneOptions): Promise<Scene> {
  const authority = await createAuthority();
  let hosts: Hosts = { steady: '', rough: '', restless: [], closed: '' };
  const trial = new Trial(calls, (id) => planCall(seed, id, hosts));
  const planOf = (id: number) => trial.planOf(id);
  const upstream = await startUpstream({ seed, authority, ledger: trial.ledger, planOf });
  try {
    hosts = await openHosts(upstream, calls);
    const apiKey = randomBytes(24).toString('base64url');
    const strayLines: string[] = [];
    const service = await startService({
      build,
      settings: await settingsFor(authority, hosts, apiKey, atOnce),
      onLine: (line) => {
        if (typeof line === 'string') strayLines.push(line);
        else if (line.msg === 'call') trial.logged(line);
      },
    });
    process.once('exit', service.kill);
    const close = async () => {
      service.kill();
      await service.ended;
      process.off('exit', service.kill);
      await upstream.close();
    };
    return { trial, upstream, service, apiKey, strayLines, close };
  } catch (error) {
    await upstream.close();
    throw error;
  }
}

async function openHosts(upstream: ChaosUpstream, calls: number): Promise<Hosts> {
  const restless: string[] = [];
  const count = Math.min(MOST_RESTLESS_HOSTS, Math.ceil(calls / CALLS_PER_RESTLESS_HOST));
  while (restless.length < count) restless.push(`127.0.0.1:${await upstream.listen('restless')}`);
  return {
    steady: `127.0.0.1:${await upstream.listen('steady')}`,
    rough: `localhost:${await upstream.listen('rough')}`,
    restless,
    closed: 'localhost:1',
  };
}

async function settingsFor(
  authority: Authority,
  { steady, rough, restless, closed }: Hosts,
  apiKey: string,
  atOnce: number,
): Promise<Record<string, string>> {
  const client = await authority.issue({ commonName: 'chaos-mini-app' });
  return {
    TOSS_PUBLIC_CRT: client.certPem,
    TOSS_PRIVATE_KEY: client.keyPem,
    UPSTREAM_CA_B64: Buffer.from(authority.certPem).toString('base64'),
    UPSTREAM_HOSTS: [steady, rough, ...restless, closed].join(','),
    UPSTREAM_CONNECT_TIMEOUT_MS: '500',
    UPSTREAM_TIMEOUT_MS: '3000',
    PROXY_API_KEYS: `chaos:${apiKey}`,
    // Calls whose caller has left run on beside those of the others, so that now and then there is one too many.
    MAX_IN_FLIGHT: String(atOnce + 4),
  };
}
