import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findPort } from '../../support/port.ts';

const run = promisify(execFile);
/** sshd must be named by its whole path, since it starts itself anew for each connection. */
const SSHD = '/usr/sbin/sshd';
const START_LIMIT_MS = 20_000;
const COMMAND_TIMEOUT_MS = 90_000;

/** One worker as `pm2 jlist` tells of it. */
interface Worker {
  readonly pid: number;
  readonly pm2_env: { readonly status: string; readonly restart_time: number };
}

/** This machine in the part of a fresh EC2 host: OpenSSH on a port of loopback, with keys and a home of its own. */
export interface Host {
  /** What the commands of scripts/deploy need to find it. */
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  /** DEPLOY_DIR, as it is by default. */
  readonly root: string;
  /** Runs PM2 as an operator on the host would. */
  pm2(...args: readonly string[]): Promise<string>;
  workers(): Promise<readonly Worker[]>;
  /** What the commands have left in the host's log of changes, all in one. */
  close(): Promise<void>;
}

export async function openHost(): Promise<Host> {
  const directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-host-'));
  const home = join(directory, 'home');
  const root = join(home, 'toss-mtls-proxy');
  const port = await findPort();
  await mkdir(home);
  for (const name of ['host_key', 'user_key']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'throw-away', '-f', join(directory, name)]);
  }
  await writeFile(join(home, '.npmrc'), await npmSettings());
  await writeFile(join(directory, 'sshd_config'), sshdConfig(directory, home, port));
  // Without it, sshd does not start as root (Debian's service makes it).
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const sshd = spawn(SSHD, ['-D', '-e', '-f', join(directory, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  sshd.stderr.on('data', (text) => {
    said += String(text);
  });
  await once(sshd, 'spawn');
  await accepts(port, () => said);

  const pm2 = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(join(root, 'pm2/node_modules/.bin/pm2'), args, {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: home },
      timeout: COMMAND_TIMEOUT_MS,
      maxBuffer: 16_777_216,
    });
    return stdout;
  };
  const publicHalf = async (name: string) =>
    (await readFile(join(directory, `${name}.pub`), 'utf8')).split(' ').slice(0, 2).join(' ');
  return {
    env: {
      EC2_HOST: '127.0.0.1',
      EC2_PORT: String(port),
      EC2_USER: userInfo().username,
      EC2_HOST_KEY: await publicHalf('host_key'),
      EC2_PRIVATE_KEY: await readFile(join(directory, 'user_key'), 'utf8'),
    },
    home,
    root,
    pm2,
    workers: async () => JSON.parse(await pm2('jlist', '--silent')),
    close: async () => {
      await pm2('kill').catch(() => undefined);
      const ended = once(sshd, 'exit');
      sshd.kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function sshdConfig(directory: string, home: string, port: number): string {
  return `
ListenAddress 127.0.0.1:${port}
HostKey ${directory}/host_key
AuthorizedKeysFile ${directory}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv HOME=${home} PATH=${process.env.PATH}
`;
}

/** So that the host's npm finds what this machine's npm has fetched before, and where to fetch what is missing. */
async function npmSettings(): Promise<string> {
  const names = ['cache', 'registry', 'cafile'];
  const values = await Promise.all(
    names.map(async (name) => (await run('npm', ['config', 'get', name])).stdout.trim()),
  );
  // What is not set is printed as `null`.
  return names.map((name, at) => (values[at] === 'null' ? '' : `${name}=${values[at]}\n`)).join('');
}

async function accepts(port: number, said: () => string): Promise<void> {
  const deadlineMs = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadlineMs) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await delay(50);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`sshd does not listen on port ${port}. It said:\n${said()}`);
}
