import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Cases that once failed, one file each; `npm test` runs them all. */
const DIRECTORY = fileURLToPath(new URL('../../test/integration/fuzz/corpus/', import.meta.url));

export interface CorpusFile {
  readonly campaign: string;
  /** What was wrong. */
  readonly finding: string;
  readonly case: unknown;
}

export function readCorpus(): readonly (readonly [name: string, file: CorpusFile])[] {
  return readdirSync(DIRECTORY)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name, JSON.parse(readFileSync(path.join(DIRECTORY, name), 'utf8'))]);
}

/** @returns the path of the new file */
export function saveToCorpus(name: string, file: CorpusFile): string {
  mkdirSync(DIRECTORY, { recursive: true });
  const target = path.join(DIRECTORY, `${name}.json`);
  writeFileSync(target, `${printable(file)}\n`);
  return target;
}

/** Bytes so that a person can read them: as text where they are UTF-8, else as Base64. */
export function bytesToJson(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : { base64: Buffer.from(bytes).toString('base64') };
}

export function bytesFromJson(json: unknown): Uint8Array {
  if (typeof json === 'string') return Buffer.from(json);
  const { base64 } = json as { base64: string };
  return Buffer.from(base64, 'base64');
}

/** JSON in printable ASCII: what cannot be seen is what such cases are about. */
export function printable(value: unknown): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value, null, 2).replaceAll(/[^\n -~]/g, escaped);
}
