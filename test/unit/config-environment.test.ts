import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { asOrdinaryUser } from '../support/ordinary-user.ts';

let directory: string;
let dotenv: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'environment-'));
  dotenv = join(directory, '.env');
});

afterEach(() => rm(directory, { recursive: true }));

async function write(text: string, mode = 0o600): Promise<void> {
  await writeFile(dotenv, text, { mode });
  await chmod(dotenv, mode);
}

describe('readEnvironment', () => {
  it('does without a .env', async () => {
    expect(await readEnvironment(directory, { PORT: '1' })).toEqual({ env: { PORT: '1' }, warnings: [] });
  });

  it('joins both, and the process wins', async () => {
    await write('PORT=1\nHOST=::1\n');
    const { env } = await readEnvironment(directory, { PORT: '2', LOG_LEVEL: 'warn' });
    expect(env).toEqual({ PORT: '2', HOST: '::1', LOG_LEVEL: 'warn' });
  });

  it('lets the .env speak where the process has only an empty variable', async () => {
    await write('PORT=1\n');
    expect((await readEnvironment(directory, { PORT: '', HOST: '' })).env).toEqual({ PORT: '1', HOST: undefined });
  });

  it('keeps what is quoted, with its "#" and its line breaks', async () => {
    await write('A="one#two"\nB="-----BEGIN X-----\nabc\n-----END X-----"\nC="x\\ny"\nD=x\\ny\n');
    expect((await readEnvironment(directory, {})).env).toEqual({
      A: 'one#two',
      B: '-----BEGIN X-----\nabc\n-----END X-----',
      C: 'x\ny',
      D: 'x\\ny',
    });
  });

  it('reads the file anew each time and leaves the environment of the process alone', async () => {
    const processEnv = Object.freeze({});
    const before = { ...process.env };
    await write('TOSS_PUBLIC_CRT_B64=old\n');
    await readEnvironment(directory, processEnv);
    await write('TOSS_PUBLIC_CRT_B64=new\n');
    expect((await readEnvironment(directory, processEnv)).env).toEqual({ TOSS_PUBLIC_CRT_B64: 'new' });
    expect(process.env).toEqual(before);
  });

  it.each([0o640, 0o604])('warns of a .env with mode %o, which others can read', async (mode) => {
    await write('PORT=1\n', mode);
    expect((await readEnvironment(directory, {})).warnings).toEqual([
      '.env: other users can read this file. Run "chmod 600 .env".',
    ]);
  });

  it('warns of names in the .env that are no settings, since a mistyped limit is none', async () => {
    await write('PORT=1\nALLOWED_PATH=/pay\nPM2_INSTANCES=2\nRATE_LIMIT=5\n#METRICS_PROT=1\n');
    expect((await readEnvironment(directory, { NOT_FROM_THE_FILE: '1' })).warnings).toEqual([
      '.env: no settings of this service, so without effect: ALLOWED_PATH, RATE_LIMIT. See .env.example for their names.',
    ]);
  });

  it.each([
    [
      'a key in PEM',
      'TOSS_PRIVATE_KEY=-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nQUJDREVGR0hJSktMTU5P==\n-----END X-----',
    ],
    ['API keys', 'PROXY_API_KEYS=shop:\nsk_live_51H8a9b0c1d2e3f4g5h6i7j8k9 = shop'],
  ])('tells no piece of %s that was pasted without quotes', async (_, text) => {
    await write(`${text}\n`);
    expect((await readEnvironment(directory, {})).warnings).toEqual([]);
  });

  it('refuses a .env that is a directory', async () => {
    await mkdir(dotenv);
    await expect(readEnvironment(directory, {})).rejects.toThrow(
      new ConfigError(['.env: this file is a directory. Mend it, or remove it.']),
    );
  });

  it("refuses a .env that the service's user may not read", async () => {
    await write('PORT=1\n', 0o000);
    await expect(asOrdinaryUser(() => readEnvironment(directory, {}))).rejects.toThrow(
      new ConfigError([".env: this file cannot be read: the service's user has no permission. Mend it, or remove it."]),
    );
  });
});
