import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { inspect } from 'node:util';
import { createClient } from 'redis';
import { ConfigError } from '../../src/config/config-error.ts';
import { type Environment, readEnvironment } from '../../src/config/environment.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { readInputs } from '../../src/inputs.ts';
import type { Campaign, Ground } from './campaign.ts';
import { bytesFromJson, bytesToJson } from './corpus.ts';
import { within } from './deadline.ts';
import { type KeyMaterial, makeKeyMaterial } from './key-material.ts';
import { apply, type Edit } from './mutation.ts';
import { type Settings, settings, type Value } from './setting-cases.ts';
import { CANARY, SECRET } from './setting-values.ts';

const HANG_MS = 30_000;

/** The variable, what is wrong, what to do: one line. */
const PROBLEM = /^(\.env|[A-Z0-9_]+): [^\n]+\.$/;

/** Environments and `.env` files, through all that a start makes of them. */
export const settingsCampaign: Campaign<Settings> = {
  name: 'settings',
  cases: settings,
  toJson: ({ variables, dotenv }) => ({
    variables: variables.map(([name, value]) => [name, valueToJson(value)]),
    dotenv: dotenv && valueToJson(dotenv),
  }),
  fromJson: (json) => {
    const { variables, dotenv } = json as { variables: [string, unknown][]; dotenv?: unknown };
    return {
      variables: variables.map(([name, value]) => [name, valueFromJson(value)]),
      dotenv: dotenv === undefined ? undefined : valueFromJson(dotenv),
    };
  },
  open: openGround,
};

async function openGround(): Promise<Ground<Settings>> {
  const material = await makeKeyMaterial();
  const file = path.join(material.directory, '.env');
  return {
    async check({ variables, dotenv }, count) {
      const processEnv = Object.fromEntries(variables.map(([name, value]) => [name, fill(value, material)]));
      rmSync(file, { force: true });
      if (dotenv !== undefined) writeFileSync(file, fill(dotenv, material), { mode: 0o600 });
      const read = await outcomeOf(() => readEnvironment(material.directory, processEnv), material);
      if (read instanceof ConfigError) return count('no environment');
      const config = await outcomeOf(() => loadConfig(read.env), material);
      if (!(config instanceof ConfigError)) checkConfig(config, read.env);
      const inputs = await outcomeOf(() => readInputs(read.env, new Date()), material);
      const configIs = config instanceof ConfigError ? 'refused' : 'taken';
      count(`settings ${configIs}, all in all ${inputs instanceof ConfigError ? 'refused' : 'taken'}`);
    },
    close: async () => material.remove(),
  };
}

/** What a step returns, or its ConfigError, which tells no secret. */
async function outcomeOf<T>(step: () => T | Promise<T>, { secrets }: KeyMaterial): Promise<T | ConfigError> {
  try {
    return await within(HANG_MS, 'the settings', Promise.resolve().then(step));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert(error.problems.length > 0, 'an error without a problem');
    for (const problem of error.problems) assert.match(problem, PROBLEM);
    const shown = inspect(error, { depth: 9, showHidden: true }).toLowerCase();
    for (const secret of [CANARY, SECRET, ...secrets]) {
      assert(!shown.includes(secret.toLowerCase()), `a problem repeats a value: ${error.message}`);
    }
    return error;
  }
}

/** What must hold of settings that were taken, whatever they were. */
function checkConfig(config: Config, env: Environment): void {
  assert(!inspect(config, { depth: 9, showHidden: true }).includes(SECRET), 'a secret can be seen in the settings');
  assert(!JSON.stringify(config).includes(SECRET), 'a secret is serialised with the settings');
  assert(env.NODE_TLS_REJECT_UNAUTHORIZED !== '0', 'the verification of servers may be turned off');
  for (const host of [config.host, config.metrics?.host ?? '::1']) assert(host === 'localhost' || isIP(host) !== 0);
  const isLoopback = /^(localhost|127\.[\d.]+|(0*:)*:?0*1|::ffff:(127\.[\d.]+|7f[\da-f]{2}:[\da-f]+))$/i.test(
    config.host,
  );
  const isOpen = config.apiKeys.length === 0 && env.ALLOW_UNAUTHENTICATED !== 'true';
  assert(isLoopback || !isOpen, 'strangers may call without a key');
  for (const { key } of config.apiKeys) assert.match(key.reveal(), /^[\w-]{32,}$/);
  assert(config.upstreamHosts.length > 0);
  for (const { label, hostname, port, authority } of config.upstreamHosts) {
    assert.match(label, /^[a-z0-9.[\]:-]+$/);
    assert(label.replace(/:443$/, '') === authority && authority.includes(hostname) && port >= 1 && port <= 65_535);
  }
  // It does not connect before it is told to.
  if (config.redisUrl !== undefined) createClient({ url: config.redisUrl.reveal() });
  for (const { prefix } of config.allowedPaths) assert.match(prefix, /^\/[!-~]*$/);
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === 'number') assert(Number.isSafeInteger(value) && value >= 0, `${name} is no proper number`);
  }
}

function fill({ text, edits }: Value, { texts }: KeyMaterial): string {
  const filled = text.replaceAll(/\{\w+\}/g, (placeholder) => texts.get(placeholder) ?? placeholder);
  return Buffer.from(edits.reduce<Uint8Array>(apply, Buffer.from(filled))).toString('utf8');
}

function valueToJson({ text, edits }: Value): unknown {
  return { text, edits: edits.map(({ at, cut, put }) => ({ at, cut, put: bytesToJson(put) })) };
}

function valueFromJson(json: unknown): Value {
  const { text, edits } = json as { text: string; edits: (Omit<Edit, 'put'> & { put: unknown })[] };
  return { text, edits: edits.map(({ at, cut, put }) => ({ at, cut, put: bytesFromJson(put) })) };
}
