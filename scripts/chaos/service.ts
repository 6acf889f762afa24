import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { findFreePort } from '../demo/service.ts';

const LogLine = z.object({
  level: z.number(),
  msg: z.string(),
  requestId: z.string().optional(),
  outcome: z.enum(['answered', 'not_processed', 'unknown']).optional(),
  code: z.string().optional(),
  status: z.number().optional(),
  method: z.string().optional(),
  host: z.string().optional(),
  path: z.string().optional(),
  reused: z.boolean().optional(),
  cause: z.string().optional(),
  port: z.number().optional(),
});

/** A line of the service's log, as far as it matters here. */
export type LogLine = z.output<typeof LogLine>;

const Status = z.object({
  service: z.object({ inFlight: z.number() }),
  targets: z.array(z.object({ idle: z.number(), busy: z.number(), opening: z.number() })),
});

export type Status = z.output<typeof Status>;

/** The built service; or its source, which is as it is now but takes a second longer to start. */
export type Build = 'dist' | 'source';

interface ServiceOptions {
  readonly build: Build;
  /** Its whole environment beside ports: nothing is inherited. */
  readonly settings: Readonly<Record<string, string>>;
  /** Told of each line of the log; of one that is no JSON as text. */
  readonly onLine: (line: LogLine | string) => void;
}

/** The real service as a process of its own, on 127.0.0.1. */
export interface ServiceProcess {
  readonly port: number;
  status(): Promise<Status>;
  /** The metrics as Prometheus text. */
  metrics(): Promise<string>;
  /** Fulfilled when the process has ended, with what it last said. */
  readonly ended: Promise<string>;
  /** SIGTERM; @returns the exit code, none if it had to be killed after 10 s */
  stop(): Promise<number | undefined>;
  /** Synchronous, for when there is no time left. */
  kill(): void;
}

const STOP_LIMIT_MS = 10_000;
const LAST_WORDS_CHARACTERS = 4_000;
const FATAL = 60;

/** @throws if the service ends before it is ready; the message has what it said */
export async function startService({ build, settings, onLine }: ServiceOptions): Promise<ServiceProcess> {
  const directory = mkdtempSync(path.join(tmpdir(), 'toss-mtls-proxy-chaos-'));
  const metricsPort = await findFreePort();
  const child = spawn(process.execPath, argumentsFor(build), {
    cwd: directory,
    env: { ...settings, PORT: '0', HOST: '127.0.0.1', METRICS_PORT: String(metricsPort), NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Out of reach of the terminal's Ctrl-C, which is for the run and not for the service.
    detached: true,
  });
  let lastWords = '';
  const ended = once(child, 'close').then(() => {
    rmSync(directory, { recursive: true, force: true });
    return lastWords;
  });
  const listenTo = (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS_CHARACTERS);
  };
  child.stderr.setEncoding('utf8').on('data', listenTo);
  const port = new Promise<number>((resolve) => {
    createInterface(child.stdout).on('line', (text) => {
      const line = parseLine(text);
      if (typeof line !== 'string' && line.msg === 'ready') resolve(line.port ?? 0);
      if (typeof line === 'string' || line.level >= FATAL) listenTo(text);
      onLine(line);
    });
  });
  const admin = (route: string) => fetch(`http://127.0.0.1:${metricsPort}${route}`);
  const notStarted = ended.then((words) => Promise.reject(new Error(`The service did not start:\n${words}`)));
  return {
    port: await Promise.race([port, notStarted]),
    ended,
    status: async () => Status.parse(await (await admin('/status')).json()),
    metrics: async () => (await admin('/metrics')).text(),
    kill: () => child.kill('SIGKILL'),
    async stop() {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await ended;
      clearTimeout(killer);
      return child.exitCode ?? undefined;
    },
  };
}

function argumentsFor(build: Build): string[] {
  const root = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  if (build === 'dist') return [root('dist/main.js')];
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href, root('src/main.ts')];
}

function parseLine(text: string): LogLine | string {
  try {
    return LogLine.parse(JSON.parse(text));
  } catch {
    return text;
  }
}
