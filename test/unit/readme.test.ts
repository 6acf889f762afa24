import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../src/config/settings.ts';
import { ERRORS } from '../../src/errors.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The rows of the README's table that begins with this heading row, without the line beneath it. */
function rowsBelow(heading: string): readonly string[] {
  const lines = readme.split('\n');
  const start = lines.indexOf(heading);
  expect(start, `README has the table "${heading}"`).toBeGreaterThan(-1);
  const rest = lines.slice(start + 2);
  return rest.slice(0, rest.indexOf(''));
}

describe('README', () => {
  test('lists every error of the table, with its status, title and remedy', () => {
    const expected = Object.entries(ERRORS).map(
      ([code, { status, error, message }]) => `| \`${code}\` | ${status} | ${error} | ${message} |`,
    );
    expect(rowsBelow('| code | status | error | message |')).toEqual(expected);
  });

  test('lists every setting, with its default and meaning', () => {
    const expected = Object.entries(SETTINGS.shape).map(([name, setting]) => {
      const { description, default: shown } = setting.meta() ?? {};
      return `| \`${name}\` | ${shown === undefined ? '' : `\`${shown}\``} | ${description} |`;
    });
    expect(rowsBelow('| Setting | Default | Meaning |')).toEqual(expected);
  });
});
