import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** A process that ends with the test that started it. */
export interface Program {
  readonly pid: number;
  readonly stdout: Readable;
  /** What it has said so far on both of its outputs. */
  readonly said: string;
  readonly running: boolean;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
}

interface ProgramOptions {
  readonly cwd: string;
  /** Its whole environment. Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

const START_LIMIT_MS = 20_000;
const LOOK_EVERY_MS = 10;

const running = new Set<ChildProcessByStdio<null, Readable, Readable>>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a program. It does not wait until the program is ready.
 *
 * @throws when there is no such program: a test that needs one fails without it, and is never skipped
 */
export async function startProgram(
  command: string,
  args: readonly string[],
  { cwd, env = process.env }: ProgramOptions,
): Promise<Program> {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await once(child, 'spawn');
  running.add(child);
  void exited.then(() => running.delete(child));
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  return {
    // A process that has been spawned has one.
    pid: child.pid ?? 0,
    stdout: child.stdout,
    kill,
    get said() {
      return said;
    },
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
  };
}

/**
 * Waits until the program accepts connections on this port of 127.0.0.1.
 *
 * @throws with what the program said, when it ends first or takes longer than 20 s
 */
export async function listening(program: Program, port: number): Promise<void> {
  const deadlineMs = performance.now() + START_LIMIT_MS;
  while (!(await accepts(port))) {
    if (!program.running || performance.now() > deadlineMs) {
      throw new Error(`The program does not listen on port ${port}. It said:\n${program.said}`);
    }
    await delay(LOOK_EVERY_MS);
  }
}

/** Whether somebody accepts connections on this port of 127.0.0.1. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
