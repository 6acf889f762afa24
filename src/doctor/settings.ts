import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, lookUp, readEnvironment } from '../config/environment.ts';
import { SETTINGS } from '../config/settings.ts';
import { type Config, loadConfig } from '../config.ts';
import { type Check, failed, passed, problemsOf, warned } from './check.ts';

/** What the other checks need, of settings that may be bad in other places. */
export interface NetworkSettings {
  readonly hosts: Config['upstreamHosts'];
  readonly connectTimeoutMs: number;
}

export interface SettingsFound {
  readonly checks: readonly Check[];
  /** Absent: `.env` cannot be read, so that nobody knows what is set. */
  readonly env?: Environment;
}

/** Checks `.env` and all settings but the key material. */
export async function checkSettings(directory: string, processEnv: Environment): Promise<SettingsFound> {
  try {
    const { env, warnings } = await readEnvironment(directory, processEnv);
    const found = existsSync(join(directory, '.env'))
      ? `read in ${directory}`
      : `none in ${directory}: the environment of the process is all there is`;
    const file = warnings.length > 0 ? warnings.map((line) => warned('.env', line)) : [passed('.env', found)];
    return { checks: [...file, ...configChecks(env)], env };
  } catch (error) {
    return { checks: problemsOf(error).map((problem) => failed('.env', problem)) };
  }
}

/** The settings that say where to look, as long as these are good themselves. */
export function networkSettings(env: Environment): NetworkSettings | undefined {
  const wanted = SETTINGS.pick({ UPSTREAM_HOSTS: true, UPSTREAM_CONNECT_TIMEOUT_MS: true });
  const { data } = wanted.safeParse(
    Object.fromEntries(Object.keys(wanted.shape).map((name) => [name, lookUp(env, name)])),
  );
  return data && { hosts: data.UPSTREAM_HOSTS, connectTimeoutMs: data.UPSTREAM_CONNECT_TIMEOUT_MS };
}

function configChecks(env: Environment): readonly Check[] {
  try {
    const { host, port, apiKeys, upstreamHosts } = loadConfig(env);
    const callers = apiKeys.length > 0 ? `API keys: ${apiKeys.map(({ name }) => name).join(', ')}` : 'no API keys';
    const hosts = `${upstreamHosts.length} upstream ${upstreamHosts.length === 1 ? 'host' : 'hosts'}`;
    return [passed('settings', `port ${port} of ${host}, ${callers}, ${hosts}`)];
  } catch (error) {
    return problemsOf(error).map((problem) => failed('settings', problem));
  }
}
