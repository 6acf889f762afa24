import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cores } from './cores.ts';

/** Linux counts CPU time in these ticks (`getconf CLK_TCK`), on every architecture that Node runs on. */
const TICK_US = 10_000;
const START_TIMEOUT_MS = 15_000;

interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cores?: Cores;
  /** A file descriptor for standard output; default: thrown away. */
  readonly stdout?: number;
  readonly cwd?: string;
}

/** A process under measurement, with all that it starts. */
export class Measured {
  readonly startedAtMs = performance.now();
  readonly #child: ChildProcess;
  #stderr = '';

  constructor(command: readonly string[], { env = {}, cores, stdout, cwd }: StartOptions) {
    const pinned = cores === undefined ? command : ['taskset', '-c', cores, ...command];
    const [program = '', ...args] = pinned;
    this.#child = spawn(program, args, {
      stdio: ['ignore', stdout ?? 'ignore', 'pipe'],
      env: { PATH: process.env.PATH ?? '', ...env },
      ...(cwd && { cwd }),
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
  }

  /** Resolves when something listens on the port. */
  async listening(port: number): Promise<void> {
    const giveUpAt = Date.now() + START_TIMEOUT_MS;
    while (!(await accepts(port))) {
      if (this.#child.exitCode !== null || Date.now() > giveUpAt) throw new Error(`It does not start: ${this.#stderr}`);
      await delay(20);
    }
  }

  /** CPU time so far, user and system, of the process and its descendants, in µs. */
  cpuUs(): number {
    return this.#tree().reduce((sum, pid) => sum + cpuUsOf(pid), 0);
  }

  /** Resident memory now, with its descendants', in bytes. */
  rssBytes(): number {
    return this.#tree().reduce((sum, pid) => sum + rssBytesOf(pid), 0);
  }

  /** File descriptors that are open now, with its descendants'. */
  descriptors(): number {
    return this.#tree().reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
  }

  /** Ends it at once, when there is no time to wait. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await ended;
    clearTimeout(force);
  }

  #tree(): readonly number[] {
    const children = new Map<number, number[]>();
    for (const name of readdirSync('/proc')) {
      const fields = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
      const parent = Number(fields?.[1]);
      if (fields !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    }
    const walk = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(walk)];
    return this.#child.pid === undefined ? [] : walk(this.#child.pid);
  }
}

/** The fields of /proc/PID/stat from the third on (proc(5)); the second may hold spaces and parentheses. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function cpuUsOf(pid: number): number {
  const fields = statOf(pid);
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

function rssBytesOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
