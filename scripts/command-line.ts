import { type ParseArgsConfig, parseArgs } from 'node:util';

type Described = NonNullable<ParseArgsConfig['options']>;

/**
 * Reads the options of the script that runs. Where they make no sense it says so, and ends the process with 2.
 *
 * @param usage how the script is called, told with whatever is wrong
 */
export function readOptions<const T extends Described>(usage: string, options: T) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(`Usage: ${usage}`);
    process.exit(2);
  }
}

/** The value of an option that counts something. Where it is none it says so, and ends the process with 2. */
export function wholeNumber(name: string, text: string, least: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  console.error(`--${name} takes a whole number from ${least} to 999999999.`);
  process.exit(2);
}
