import { SETTINGS } from './settings.ts';

/** Read by `ecosystem.config.js`. */
const READ_BY_PM2 = 'PM2_INSTANCES';

/**
 * Neither PEM, nor Base64, nor an API key such as `sk_live_…` looks like this. A secret that was pasted into `.env` without
 * quotes may leave a piece of itself where dotenv sees a name, and that must not be told.
 */
const LOOKS_LIKE_A_SETTING = /^(?=.{1,40}$)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;

/**
 * What is in `.env` and means nothing to this service: mistyped, most likely, and then a limit or a list of allowed paths
 * is not in force.
 *
 * @param names all that `.env` sets
 * @returns those to warn of, in their order
 */
export function unknownSettings(names: readonly string[]): readonly string[] {
  return names.filter((name) => LOOKS_LIKE_A_SETTING.test(name) && !(name in SETTINGS.shape) && name !== READ_BY_PM2);
}
