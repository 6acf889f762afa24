import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;

/** What was seen of all processes of this machine, as `ps` shows them and their owner may read them. */
interface Sighting {
  /** Every command line, once. */
  readonly commands: readonly string[];
  /** The command lines of processes with a secret in their arguments or environment. */
  readonly leaks: readonly string[];
}

/** Looks at the arguments and the environment of all processes, again and again, until it is stopped. */
export function watchProcesses(secrets: readonly string[]): { stop(): Promise<Sighting> } {
  const commands = new Set<string>();
  const leaks = new Set<string>();
  let running = true;
  const watching = (async () => {
    while (running) {
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        const [command, environment] = await Promise.all([read(pid, 'cmdline'), read(pid, 'environ')]);
        commands.add(command.replaceAll('\0', ' '));
        if (secrets.some((secret) => command.includes(secret) || environment.includes(secret))) leaks.add(command);
      }
      await delay(LOOK_EVERY_MS);
    }
  })();
  return {
    stop: async () => {
      running = false;
      await watching;
      return { commands: [...commands], leaks: [...leaks] };
    },
  };
}

/** Empty for a process that has ended meanwhile, and for one of somebody else. */
async function read(pid: string, name: string): Promise<string> {
  return readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '');
}

/** The files below a directory that hold a secret; packages, which come from elsewhere, are left out. */
export async function filesWithSecrets(directory: string, secrets: readonly string[]): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesWithSecrets(path, secrets);
      if (!entry.isFile()) return [];
      const text = await readFile(path, 'latin1');
      return secrets.some((secret) => text.includes(secret)) ? [path] : [];
    }),
  );
  return found.flat().sort();
}
