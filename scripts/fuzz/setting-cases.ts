/** Random environments and `.env` files. */
import fc from 'fast-check';
import { SETTINGS } from '../../src/config/settings.ts';
import { type Edit, edits } from './mutation.ts';
import { CANARY, NUMBERS, USUAL } from './setting-values.ts';

/** A variable's value: a text whose placeholders are filled in, and which is changed after that. */
export interface Value {
  readonly text: string;
  readonly edits: readonly Edit[];
}

export interface Settings {
  /** The environment of the process. */
  readonly variables: readonly (readonly [name: string, value: Value])[];
  /** What stands in the `.env`; none, if there is no such file. */
  readonly dotenv: Value | undefined;
}

const NAMES = [...Object.keys(SETTINGS.shape), 'NODE_TLS_REJECT_UNAUTHORIZED'];

const TOKENS = [
  ...[CANARY, '\\n', '\n', '#', "'", '=', '$PATH', '{KEY}', '-----BEGIN PRIVATE KEY-----', '-----END CERTIFICATE-----'],
];

function valueFor(name: string): fc.Arbitrary<Value> {
  const usual = USUAL[name] ?? NUMBERS;
  return fc.record({
    text: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...usual.slice(0, 2)) },
      { weight: 8, arbitrary: fc.constantFrom(...usual) },
      { weight: 1, arbitrary: fc.constantFrom(...Object.values(USUAL).flat(), ...NUMBERS) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => `${CANARY}${text}`) },
    ),
    edits: fc.oneof(
      { weight: 8, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: edits(TOKENS, { least: 1, most: 2 }) },
    ),
  });
}

/** A good certificate and key come often, so that what is wrong elsewhere is looked at, too. */
const credentials = fc.constantFrom<[string, Value][]>(
  [],
  ['TOSS_PUBLIC_CRT_B64', 'TOSS_PRIVATE_KEY_B64'].map((name, at) => [
    name,
    { text: at ? '{KEY_B64}' : '{CERT_B64}', edits: [] },
  ]),
  ['TOSS_PUBLIC_CRT', 'TOSS_PRIVATE_KEY'].map((name, at) => [
    name,
    { text: at ? '{KEY_ESCAPED}' : '{CERT_ESCAPED}', edits: [] },
  ]),
);

const variable = fc.constantFrom(...NAMES).chain((name) => fc.tuple(fc.constant(name), valueFor(name)));

const dotenv = fc.record({
  text: fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .array(fc.tuple(variable, fc.constantFrom('', '"', "'", '`')), { maxLength: 4 })
        .map((lines) => lines.map(([[name, { text }], quote]) => `${name}=${quote}${text}${quote}`).join('\n')),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => `${CANARY}=${text}`) },
  ),
  edits: edits(TOKENS, { least: 0, most: 3 }),
});

/** What an operator may have written. */
export const settings: fc.Arbitrary<Settings> = fc
  .record({
    credentials,
    more: fc.array(variable, { maxLength: 6 }),
    dotenv: fc.option(dotenv, { nil: undefined, freq: 3 }),
  })
  .map(({ credentials: pair, more, dotenv: file }) => ({ variables: [...pair, ...more], dotenv: file }));
