import { parse } from 'dotenv';

/** The ways to write a value, the plainest first. Inside double quotes dotenv turns `\n` into a line break. */
const WAYS: readonly ((value: string) => string)[] = [
  (value) => value,
  (value) => `'${value}'`,
  (value) => `\`${value}\``,
  (value) => `"${value}"`,
  (value) => `"${value.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`,
];

/**
 * The line of a `.env` from which dotenv reads exactly this value.
 *
 * @returns undefined if there is none, as for a value with all three kinds of quotes
 */
export function dotenvLine(name: string, value: string): string | undefined {
  return WAYS.map((write) => `${name}=${write(value)}`).find((line) => readsBack(line, name, value));
}

/** With a line before and after it, which it must leave alone. */
function readsBack(line: string, name: string, value: string): boolean {
  const read = parse(`BEFORE=1\n${line}\nAFTER=2\n`);
  return Object.keys(read).length === 3 && read[name] === value && read.BEFORE === '1' && read.AFTER === '2';
}
