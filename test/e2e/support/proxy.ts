import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Authority, KeyPair } from '../../../scripts/pki.ts';
import { startScript } from '../../../scripts/start-script.ts';
import type { LaneStatus } from '../../../src/upstream/lane-status.ts';
import { directoryWith } from './files.ts';
import { findPort } from './port.ts';
import { startProgram } from './program.ts';

/** A line of the log, parsed. */
type LogLine = Readonly<Record<string, unknown>>;

/** The service as `npm start` runs it: a process of its own, the built `dist/main.js`. */
export interface ProxyProcess {
  readonly port: number;
  readonly log: readonly LogLine[];
  /** The memory that the process has now, in MB of 10^6 bytes. */
  memoryMb(): number;
  /** The most that it ever had. */
  peakMemoryMb(): number;
  /** The state of its connections to the first upstream host, as `GET /status` tells it. */
  connections(): Promise<LaneStatus>;
}

interface ProxyOptions {
  /** The anchor against which servers are verified. */
  readonly authority: Authority;
  /** Our client certificate. Default: one that the authority issues. */
  readonly client?: KeyPair;
  /** The port on localhost of the only upstream host. */
  readonly upstreamPort: number;
  /** Further settings by variable; these win. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How many days the service's clock is behind. OpenSSL, which verifies the server, has its own. */
  readonly clockBehindDays?: number;
}

/** Starts the service on a free port of the loopback interface, and waits until it is ready. */
export async function startProxy(options: ProxyOptions): Promise<ProxyProcess> {
  const { authority, upstreamPort, settings, clockBehindDays = 0 } = options;
  const client = options.client ?? (await authority.issue({ commonName: 'e2e-mini-app' }));
  const adminPort = await findPort();
  const { flags, main } = startScript();
  const clock = clockBehindDays > 0 ? ['--import', clockBehind(clockBehindDays)] : [];
  const program = await startProgram(process.execPath, [...flags, ...clock, main], {
    // No `.env` lies there.
    cwd: await directoryWith({}),
    env: {
      TOSS_PUBLIC_CRT: client.certPem,
      TOSS_PRIVATE_KEY: client.keyPem,
      UPSTREAM_CA_B64: Buffer.from(authority.certPem).toString('base64'),
      UPSTREAM_HOSTS: `localhost:${upstreamPort}`,
      UPSTREAM_WARM_CONNECTIONS: '0',
      PORT: '0',
      METRICS_PORT: String(adminPort),
      NODE_ENV: 'production',
      ...settings,
    },
  });
  const log: LogLine[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    const lines = createInterface(program.stdout);
    lines.on('line', (text) => {
      const line: LogLine = JSON.parse(text);
      log.push(line);
      if (line.msg === 'ready') resolve(Number(line.port));
    });
    lines.on('close', () => reject(new Error(`The service did not start. It said:\n${program.said}`)));
  });
  return {
    port,
    log,
    memoryMb: () => memoryMb(program.pid, 'VmRSS'),
    peakMemoryMb: () => memoryMb(program.pid, 'VmHWM'),
    connections: async () => {
      const response = await fetch(`http://127.0.0.1:${adminPort}/status`);
      // The service's own words, in the shape of design §1.
      const { targets } = (await response.json()) as { targets: [LaneStatus] };
      return targets[0];
    },
  };
}

/** A module that sets JavaScript's clock back. With it the service takes a certificate that every server finds expired. */
function clockBehind(days: number): string {
  const source = `
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...when) { when.length === 0 ? super(Date.now()) : super(...when); }
      static now() { return Real.now() - ${days * 86_400_000}; }
    };`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** Linux counts kibibytes in /proc/PID/status and calls them kB. */
function memoryMb(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`/proc/${pid}/status has no ${what}`);
  return (Number(kib) * 1024) / 1e6;
}
