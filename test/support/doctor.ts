import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';

const DOCTOR = fileURLToPath(new URL('../../dist/doctor.js', import.meta.url));

/** Variables whose values nobody may read. */
const SECRET = /KEY|PASSPHRASE|REDIS/;

interface DoctorOptions {
  readonly args?: readonly string[];
  /** Files of the working directory by name, such as `.env`; only this user may read them. */
  readonly files?: Readonly<Record<string, string>>;
  /** Makes the working directory ready; gets its path. */
  readonly prepare?: (directory: string) => Promise<void>;
  /** A module that runs in the process before the doctor does. */
  readonly preload?: string;
}

export interface DoctorRun {
  readonly code: number;
  readonly output: string;
  readonly stderr: string;
  /** The working directory, which is gone by now. */
  readonly directory: string;
  /** The lines below a heading. */
  section(name: string): readonly string[];
}

/** Runs the built doctor, `node dist/doctor.js`, to its end. That it repeats no secret is checked each time. */
export async function runDoctor(env: Environment, options: DoctorOptions = {}): Promise<DoctorRun> {
  const { args = [], files = {}, prepare, preload } = options;
  const directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-test-'));
  try {
    for (const [name, content] of Object.entries(files))
      await writeFile(join(directory, name), content, { mode: 0o600 });
    if (preload !== undefined) await writeFile(join(directory, 'preload.mjs'), preload);
    await prepare?.(directory);
    const nodeArguments = preload === undefined ? [] : ['--import', './preload.mjs'];
    const child = spawn(process.execPath, [...nodeArguments, DOCTOR, ...args], { cwd: directory, env });
    let output = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = await once(child, 'close');
    expectNoSecret(output + stderr, env);
    return { code, output, stderr, directory, section: (name) => linesOf(output, name) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The lines below a heading of a report, their runs of spaces as one. */
export function linesOf(output: string, name: string): readonly string[] {
  const block = output.split('\n\n').find((text) => text.startsWith(`${name}\n`));
  return (block ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replaceAll(/ {2,}/g, ' '));
}

function expectNoSecret(said: string, env: Environment): void {
  for (const [variable, value = ''] of Object.entries(env)) {
    if (!SECRET.test(variable)) continue;
    for (const piece of value.split(/[\s,:@/]|\\n/).filter(({ length }) => length > 16)) {
      expect(said, `a value of ${variable} stands in the report`).not.toContain(piece);
    }
  }
}
