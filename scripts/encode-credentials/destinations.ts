import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';

type Lines = Readonly<Record<string, string>>;

/** Puts settings into a `.env` that only its owner can read, whole or not at all; other lines stay as they are. */
export async function writeDotenv(file: string, lines: Lines): Promise<void> {
  const old = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const kept = old.split('\n').filter((line) => !Object.keys(lines).some((name) => line.startsWith(`${name}=`)));
  while (kept.at(-1) === '') kept.pop();
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, `${[...kept, ...dotenvLines(lines)].join('\n')}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, file);
}

/** Settings as the lines of a `.env`. */
export function dotenvLines(lines: Lines): readonly string[] {
  // A passphrase may hold "#" or spaces, which end an unquoted value.
  return Object.entries(lines).map(([name, value]) => `${name}=${/^[\w+/=]*$/.test(value) ? value : quoted(value)}`);
}

function quoted(value: string): string {
  const mark = ["'", '"', '`'].find((one) => !value.includes(one));
  if (mark === undefined)
    throw new Error('A .env cannot hold this passphrase: it has all three kinds of quotes in it.');
  return mark + value + mark;
}

/** Stores settings as GitHub secrets. Each goes to `gh` over its standard input, so that no process list shows it. */
export async function setGithubSecrets(
  lines: Lines,
  { environment, repo }: { environment?: string | undefined; repo?: string | undefined },
): Promise<void> {
  const where = [...(environment ? ['--env', environment] : []), ...(repo ? ['--repo', repo] : [])];
  for (const [name, value] of Object.entries(lines)) {
    const gh = spawn('gh', ['secret', 'set', name, ...where], { stdio: ['pipe', 'ignore', 'inherit'] });
    gh.stdin.end(value);
    const [code] = await once(gh, 'close');
    if (code !== 0) throw new Error(`gh could not store ${name}. Is it installed, and are you signed in?`);
  }
}
