import { withAllProblems } from './config/config-error.ts';
import type { Environment } from './config/environment.ts';
import { type Config, loadConfig } from './config.ts';
import { loadCredentials } from './credentials/credentials.ts';
import { fileStates } from './credentials/file-watch.ts';
import { credentialSources } from './credentials/source.ts';
import type { LoadedKeys } from './credentials/store.ts';

/** All that a start, and each reload after it, takes from the environment and the files that it names. */
export interface Inputs extends LoadedKeys {
  readonly config: Config;
}

/**
 * Reads and judges everything, at start and at a reload alike.
 *
 * @param env from `readEnvironment`
 * @param now the time at which the certificates must be valid
 * @throws ConfigError with every problem at once
 */
export async function readInputs(env: Environment, now: Date): Promise<Inputs> {
  const sources = credentialSources(env);
  const named = [sources.certificate, sources.privateKey, sources.ca];
  // Before they are read, so that no change is missed in between.
  const files = await fileStates(named.flatMap((source) => (source?.form === 'file' ? [source.value.reveal()] : [])));
  const [config, loaded] = await withAllProblems(
    () => loadConfig(env),
    () => loadCredentials(sources, now),
  );
  return { config, apiKeys: config.apiKeys, files, ...loaded };
}
