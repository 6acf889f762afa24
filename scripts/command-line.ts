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
