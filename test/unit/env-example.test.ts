import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../src/config/settings.ts';
import { loadConfig } from '../../src/config.ts';

interface Line {
  readonly variable: string;
  readonly value: string;
  readonly commentedOut: boolean;
  /** The comment right above it, on one line. */
  readonly meaning: string;
}

const example = parse(await readFile(new URL('../../.env.example', import.meta.url), 'utf8'));
const settings = Object.entries(SETTINGS.shape);

function parse(text: string): readonly Line[] {
  const lines: Line[] = [];
  let comment: string[] = [];
  for (const line of text.split('\n')) {
    const [, hash, variable, value] = /^(#?)([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (variable !== undefined && value !== undefined) {
      lines.push({ variable, value, commentedOut: hash === '#', meaning: comment.join(' ') });
    }
    comment = line.startsWith('# ') ? [...comment, line.slice(2)] : [];
  }
  return lines;
}

describe('.env.example', () => {
  it('shows every setting once, and nothing else', () => {
    expect(example.map(({ variable }) => variable).sort()).toEqual(settings.map(([variable]) => variable).sort());
  });

  it.each(settings)('says what %s means, in the words of the schema', (variable, schema) => {
    const line = example.find((shown) => shown.variable === variable);
    expect(schema.meta()?.description).toMatch(/\w.*[.")]$/);
    expect(line?.meaning).toBe(schema.meta()?.description);
  });

  it.each(settings)('shows the default of %s', (variable, schema) => {
    const line = example.find((shown) => shown.variable === variable);
    if (variable !== 'NODE_ENV') expect(line?.value).toBe(schema.meta()?.default ?? '');
  });

  it('shows defaults that are the ones in force', () => {
    const shown = example.filter(({ variable }) => variable !== 'NODE_ENV');
    expect(loadConfig(Object.fromEntries(shown.map(({ variable, value }) => [variable, value])))).toEqual(
      loadConfig({}),
    );
  });

  it('leaves open only the four lines that are enough to start', () => {
    const open = example.filter(({ commentedOut }) => !commentedOut);
    expect(open.map(({ variable }) => variable)).toEqual([
      'TOSS_PUBLIC_CRT_B64',
      'TOSS_PRIVATE_KEY_B64',
      'PORT',
      'NODE_ENV',
    ]);
    expect(example.slice(0, 4)).toEqual(open);
  });
});
