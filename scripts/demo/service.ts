import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface Service {
  readonly url: string;
  /**
   * Fulfilled as soon as the service takes calls.
   * @throws when it ends first, or takes more than 15 s; the message has the end of its log
   */
  readonly ready: Promise<void>;
  /** Fulfilled when the process has ended, for whatever reason. */
  readonly ended: Promise<unknown>;
  /** SIGTERM, and SIGKILL if the service has not ended 5 s later. */
  stop(): Promise<void>;
  /** Synchronous, for when there is no time left. */
  kill(): void;
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const START_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 5_000;
const LOG_TAIL_CHARACTERS = 2_000;

/**
 * Starts the built service as a process of its own, on 127.0.0.1.
 * @param settings its whole environment beside HOST and PORT: nothing is inherited
 * @param directory its working directory, where no `.env` may lie
 */
export function startService(port: number, settings: Record<string, string>, directory: string): Service {
  const child = spawn(process.execPath, [MAIN], {
    cwd: directory,
    env: { ...settings, HOST: '127.0.0.1', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let logTail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      logTail = (logTail + text).slice(-LOG_TAIL_CHARACTERS);
    });
  }
  const url = `http://127.0.0.1:${port}`;
  const ended = once(child, 'close');

  async function becomeReady(): Promise<void> {
    // The service says `ready` to whoever started it, as PM2 wants it; another process on this port cannot.
    const word = once(child, 'message', { signal: AbortSignal.timeout(START_LIMIT_MS) });
    const isReady = await Promise.race([word.then(() => true), ended.then(() => false)]).catch(() => false);
    const health = isReady ? await fetch(url) : undefined;
    if (!health?.ok) throw new Error(`The service did not start. The end of its log:\n${logTail.trim()}`);
  }

  return {
    url,
    ready: becomeReady(),
    ended,
    kill: () => child.kill('SIGKILL'),

    async stop() {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await ended;
      clearTimeout(killer);
    },
  };
}

/** @returns a port of 127.0.0.1 that was free a moment ago: the preferred one if it can be */
export async function findFreePort(preferred = 0): Promise<number> {
  const listener = createServer().listen(preferred, '127.0.0.1');
  try {
    await once(listener, 'listening');
  } catch (error) {
    if (preferred === 0) throw error;
    return findFreePort();
  }
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : preferred;
}
