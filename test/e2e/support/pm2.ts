import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const COMMAND_TIMEOUT_MS = 60_000;

/** One process as `pm2 jlist` tells of it. */
interface Pm2Process {
  readonly pid: number;
  readonly status: string;
  readonly restarts: number;
}

/** A PM2 of its own, with its own daemon and folder, that runs a release of the service; it ends with the test. */
export interface Pm2 {
  /** The release: what PM2 starts, and where `.env` is. */
  readonly release: string;
  /** Where PM2 keeps its logs and its dump. */
  readonly home: string;
  /** Runs a `pm2` command. @returns what it wrote */
  command(...args: readonly string[]): Promise<string>;
  processes(): Promise<readonly Pm2Process[]>;
}

/** Lays out a release as a deploy does, with this `.env`, and a PM2 beside it. */
export async function openPm2(dotenv: string, env: Readonly<Record<string, string>> = {}): Promise<Pm2> {
  const directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-pm2-'));
  const release = join(directory, 'release');
  const home = join(directory, 'pm2');
  await mkdir(release);
  await mkdir(home);
  for (const name of ['dist', 'node_modules']) await symlink(join(ROOT, name), join(release, name));
  for (const name of ['package.json', 'ecosystem.config.js']) await copyFile(join(ROOT, name), join(release, name));
  await writeFile(join(release, '.env'), dotenv, { mode: 0o600 });

  const command = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/pm2/bin/pm2'), ...args], {
      cwd: release,
      env: { PATH: process.env.PATH, HOME: directory, PM2_HOME: home, PM2_INSTANCES: '2', ...env },
      timeout: COMMAND_TIMEOUT_MS,
      maxBuffer: 16_777_216,
    });
    return stdout;
  };
  onTestFinished(async () => {
    await command('kill');
    await rm(directory, { recursive: true, force: true });
  });
  return {
    release,
    home,
    command,
    processes: async () => {
      const list: { pid: number; pm2_env: { status: string; restart_time: number } }[] = JSON.parse(
        await command('jlist', '--silent'),
      );
      return list.map(({ pid, pm2_env }) => ({ pid, status: pm2_env.status, restarts: pm2_env.restart_time }));
    },
  };
}
