/**
 * Turns a certificate and its key, or a `.p12` file, into settings: lines of a `.env`, or secrets of a GitHub repository.
 * The pair is judged as the service judges it; nothing secret is printed to a terminal.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { ConfigError } from '../src/config/config-error.ts';
import { loadCredentials } from '../src/credentials/credentials.ts';
import { credentialSources } from '../src/credentials/source.ts';
import { dotenvLines, setGithubSecrets, writeDotenv } from './encode-credentials/destinations.ts';
import { askPassphrase } from './encode-credentials/passphrase.ts';
import { readPkcs12 } from './encode-credentials/pkcs12.ts';

const USAGE = `Usage: npm run --silent encode-credentials -- CERTIFICATE KEY [options]
       npm run --silent encode-credentials -- FILE.p12 [options]

  --write FILE     put the lines into this .env, in place of those that are there
  --github         store them as secrets of the GitHub repository of this folder, with the gh command
  --environment E  with --github: as secrets of this deployment environment
  --repo O/R       with --github: of this repository

Without any of these the lines go to standard output, unless that is a terminal. A passphrase is asked for, or taken from
the environment variable CREDENTIALS_PASSPHRASE.`;

/** The settings by variable. */
type Lines = Readonly<Record<string, string>>;

try {
  await main();
} catch (error) {
  console.error(error instanceof ConfigError ? error.problems.join('\n') : plainly(error));
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      write: { type: 'string' },
      github: { type: 'boolean', default: false },
      environment: { type: 'string' },
      repo: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [first, second, ...rest] = positionals;
  if (values.help || first === undefined || rest.length > 0) throw new Error(USAGE);
  const lines = await verified(second === undefined ? await fromPkcs12(first) : await fromPem(first, second));
  if (values.write !== undefined) {
    await writeDotenv(values.write, lines);
    console.error(`Written to ${values.write}, which only you can read.`);
  }
  if (values.github) {
    await setGithubSecrets(lines, values);
    console.error(`Stored as GitHub secrets: ${Object.keys(lines).join(', ')}.`);
  }
  if (values.write !== undefined || values.github) return;
  if (process.stdout.isTTY) {
    console.error('The pair is good. Nothing secret is shown on a terminal: add "--write .env" or "--github".');
    return;
  }
  for (const line of dotenvLines(lines)) console.log(line);
}

/** Tells whose certificate it is, and throws if the service would not start with it. */
async function verified(lines: Lines): Promise<Lines> {
  const { credentials, warnings } = await loadCredentials(credentialSources(lines), new Date());
  for (const warning of warnings) console.error(warning);
  console.error(`Certificate of ${credentials.subject}, good until ${credentials.notAfter.toISOString()}.`);
  return lines;
}

async function fromPem(certificateFile: string, keyFile: string): Promise<Lines> {
  const [certificate, key] = await Promise.all([readFile(certificateFile), readFile(keyFile)]);
  const lines = {
    TOSS_PUBLIC_CRT_B64: certificate.toString('base64'),
    TOSS_PRIVATE_KEY_B64: key.toString('base64'),
  };
  return key.includes('ENCRYPTED') ? { ...lines, TOSS_PRIVATE_KEY_PASSPHRASE: await askPassphrase() } : lines;
}

async function fromPkcs12(file: string): Promise<Lines> {
  // Before the passphrase is asked for.
  if ((await readFile(file)).includes('-----BEGIN '))
    throw new Error(`${file} is PEM: name the certificate and the key.`);
  const { certificates, key } = await readPkcs12(file, await askPassphrase());
  return {
    TOSS_PUBLIC_CRT_B64: Buffer.from(certificates).toString('base64'),
    TOSS_PRIVATE_KEY_B64: Buffer.from(key).toString('base64'),
  };
}

/** Only the first line: what follows in an error of a child process may quote what it was given. */
function plainly(error: unknown): string {
  if (!(error instanceof Error)) return 'This failed for a reason that is not known.';
  return error.message.startsWith('Usage') ? error.message : (error.message.split('\n')[0] ?? '');
}
