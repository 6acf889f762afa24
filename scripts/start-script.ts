import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FORM = /^exec node (?<flags>(?:--\S+ )*)(?<main>dist\/main\.js)$/;

/**
 * What `npm start` runs, for those who start the service without npm and its shell in between, which would hide the process.
 *
 * @returns Node's flags, and the path of the file
 */
export function startScript(): { readonly flags: readonly string[]; readonly main: string } {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const { flags = '', main } = FORM.exec(scripts.start)?.groups ?? {};
  if (main === undefined) throw new Error(`package.json: "start" is not of the form ${FORM.source}`);
  return { flags: flags.split(' ').filter((flag) => flag !== ''), main: join(ROOT, main) };
}
