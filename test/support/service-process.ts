import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import type { LogLine } from './service.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface ServiceProcess {
  readonly child: ChildProcess;
  /** Its working directory. */
  readonly directory: string;
  /** The lines that it has logged so far. */
  readonly log: readonly LogLine[];
  /** What it has written to standard error so far. */
  readonly stderr: string;
  /** Resolves with the first log line that has this text; rejects if the process ends before. */
  line(msg: string): Promise<LogLine>;
  /** Resolves with the port as soon as the service listens. */
  ready(): Promise<number>;
  /** Resolves when the process is over and all that it wrote has been read. */
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

interface ProcessOptions {
  /** The environment; nothing else of ours is in it. */
  readonly env?: Environment;
  /** The content of a `.env` in the working directory. */
  readonly dotenv?: string;
  /** Makes the working directory ready; gets its path. */
  readonly prepare?: (directory: string) => Promise<void>;
  /** A module that runs in the process before the service does. */
  readonly preload?: string;
  /** With `true` the service has an IPC channel, as under PM2. */
  readonly ipc?: boolean;
  /** Where standard output goes. Default: here. */
  readonly stdout?: number;
  /** The user that it runs as. */
  readonly uid?: number | undefined;
}

/** Runs the built service, `node dist/main.js`, in an empty directory of its own. It ends with the test. */
export async function startProcess(options: ProcessOptions): Promise<ServiceProcess> {
  const { env = {}, dotenv, prepare, preload, ipc = false, stdout = 'pipe', uid } = options;
  const directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-test-'));
  await chmod(directory, 0o755);
  if (dotenv !== undefined) await writeFile(join(directory, '.env'), dotenv, { mode: 0o600 });
  if (preload !== undefined) await writeFile(join(directory, 'preload.mjs'), preload);
  await prepare?.(directory);
  const nodeArguments = preload === undefined ? [] : ['--import', './preload.mjs'];
  const child = spawn(process.execPath, [...nodeArguments, MAIN], {
    cwd: directory,
    env,
    stdio: ['ignore', stdout, 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    ...(uid !== undefined && { uid }),
  });
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
    await rm(directory, { recursive: true });
  });
  return watch(child, directory, exit);
}

function watch(child: ChildProcess, directory: string, exit: ServiceProcess['exit']): ServiceProcess {
  const log: LogLine[] = [];
  const lines = new EventEmitter().setMaxListeners(0);
  if (child.stdout !== null) {
    createInterface(child.stdout).on('line', (text) => {
      log.push(JSON.parse(text));
      lines.emit('line');
    });
  }
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const line = (msg: string) =>
    new Promise<LogLine>((resolve, reject) => {
      const look = () => {
        const found = log.find((one) => one.msg === msg);
        if (found !== undefined) resolve(found);
      };
      lines.on('line', look);
      void exit.then(() => reject(new Error(`it ended without "${msg}": ${JSON.stringify(log)} ${errors}`)));
      look();
    });
  return {
    child,
    directory,
    log,
    get stderr() {
      return errors;
    },
    line,
    ready: async () => Number((await line('ready')).port),
    exit,
  };
}
