import { join } from 'node:path';
import { parse } from 'dotenv';
import { ConfigError } from './config-error.ts';
import { type FileRead, readSmallFile } from './read-file.ts';

/** Environment variables by name, from the process or from a `.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable's value; one that is set but empty counts as absent. */
export function lookUp(env: Environment, variable: string): string | undefined {
  return env[variable] === '' ? undefined : env[variable];
}

/**
 * Joins the `.env` of a directory with the environment of the process, which wins. The file is read anew at each call
 * and never written into `process.env`, so that a reload sees what it says now.
 *
 * @param directory where `.env` is looked for; that there is none is fine
 * @param processEnv the environment of the process
 * @returns the joined variables, and warnings for the log, one line each
 * @throws ConfigError when there is a `.env` that cannot be read
 */
export async function readEnvironment(
  directory: string,
  processEnv: Environment,
): Promise<{ readonly env: Environment; readonly warnings: readonly string[] }> {
  const file = await readSmallFile(join(directory, '.env'));
  if (!file.ok && !file.missing) {
    throw new ConfigError([`.env: this file ${file.reason}. Mend it, or remove it.`]);
  }
  const fromFile = file.ok ? parse(file.content) : {};
  const names = new Set([...Object.keys(fromFile), ...Object.keys(processEnv)]);
  const env = Object.fromEntries([...names].map((name) => [name, lookUp(processEnv, name) ?? lookUp(fromFile, name)]));
  return { env, warnings: [...accessWarnings(file), ...(await nameWarnings(fromFile))] };
}

function accessWarnings(file: FileRead): readonly string[] {
  return file.ok && file.readableByOthers ? ['.env: other users can read this file. Run "chmod 600 .env".'] : [];
}

async function nameWarnings(fromFile: Environment): Promise<readonly string[]> {
  // Late, as all that is large (main.ts).
  const { unknownSettings } = await import('./unknown-settings.ts');
  const unknown = unknownSettings(Object.keys(fromFile));
  if (unknown.length === 0) return [];
  return [
    `.env: no settings of this service, so without effect: ${unknown.join(', ')}. See .env.example for their names.`,
  ];
}
