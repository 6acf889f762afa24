import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** A clone of the project that is built already. */
export interface Checkout {
  readonly directory: string;
  /** The path of a command of scripts/deploy. */
  command(name: string): string;
  remove(): Promise<void>;
}

/**
 * Lays out a clone whose build only copies what `npm run build` has made here.
 *
 * @param change what is different in its `dist/main.js`
 */
export async function makeCheckout(change: (main: string) => string = (main) => main): Promise<Checkout> {
  const directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-checkout-'));
  await mkdir(join(directory, 'scripts'));
  await cp(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true });
  for (const name of ['scripts/deploy', 'node_modules', 'package-lock.json', 'ecosystem.config.js']) {
    await symlink(join(ROOT, name), join(directory, name));
  }
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  // The deploy names the directory for its output in the last argument.
  manifest.scripts.build = 'copy() { mkdir -p "$2" && cp -r dist/. "$2"; }; copy';
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  const main = join(directory, 'dist/main.js');
  await writeFile(main, change(await readFile(main, 'utf8')));
  return {
    directory,
    command: (name) => join(directory, 'scripts/deploy', name),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The project itself. */
export const PROJECT: Checkout = {
  directory: ROOT,
  command: (name) => join(ROOT, 'scripts/deploy', name),
  remove: async () => undefined,
};
