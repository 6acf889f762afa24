import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

/** How a command of scripts/deploy has ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines `key=value` of standard output. */
  readonly results: Readonly<Record<string, string>>;
}

/** A command under way. */
interface Running {
  /** Resolves when this text has come over standard error; rejects if the command ends without it. */
  said(text: string): Promise<void>;
  /** Ends the child of the command that has this name. */
  killChild(name: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

interface CommandOptions {
  /** Its whole environment, but for PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly args?: readonly string[];
}

/** Runs an executable to its end. */
export function runCommand(file: string, options: CommandOptions): Promise<Ended> {
  return startCommand(file, options).ended;
}

export function startCommand(file: string, { env = {}, stdin = '', args = [] }: CommandOptions): Running {
  const child = spawn(file, args, { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += String(text);
  });
  child.stderr.on('data', (text) => {
    stderr += String(text);
  });
  // It may end before it has read all of it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const ended = once(child, 'close').then(([code]) => {
    const results = Object.fromEntries([...stdout.matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key, value]));
    return { code, stdout, stderr, results };
  });
  return {
    ended,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => stderr.includes(text) && resolve();
        child.stderr.on('data', look);
        look();
        void ended.then(() => reject(new Error(`It ended without "${text}":\n${stderr}`)));
      }),
    killChild: async (name) => {
      const children = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim().split(' ');
      for (const pid of children.map(Number)) {
        if ((await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === name) process.kill(pid);
      }
    },
  };
}
