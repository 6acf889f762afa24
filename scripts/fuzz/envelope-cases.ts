/** Random envelopes: most nearly right, many with the tricks that people play on forwarders, some mere noise. */
import fc from 'fast-check';
import { membersText, numberText, objectText, stringText, valueText } from '../../test/unit/forward/json-texts.ts';
import { mutated } from './mutation.ts';
import {
  BODIES,
  EXTRA_NAMES,
  HEADER_NAMES,
  HEADER_VALUES,
  HOST_TRICKS,
  ODD_HEADER_NAMES,
  ODD_HEADER_VALUES,
  ODD_PATHS,
  PATHS,
  TOKENS,
} from './tricks.ts';
import { HOSTS } from './world.ts';

/** A string as JSON, now and then with every character escaped. */
function quoted(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const escapeAll = (plain: string) =>
    `"${Array.from(plain, (_, at) => `\\u${plain.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;
  return fc.tuple(text, fc.nat(5)).map(([plain, how]) => (how === 5 ? escapeAll(plain) : JSON.stringify(plain)));
}

const anyCase = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(text, fc.nat())
    .map(([plain, mask]) =>
      plain.replaceAll(/[a-z]/g, (letter, at: number) => ((mask >> (at % 31)) & 1 ? letter.toUpperCase() : letter)),
    );

const orAnything = (usual: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 60, arbitrary: usual }, { weight: 1, arbitrary: valueText });

const pathText = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 2, arbitrary: fc.constantFrom(...ODD_PATHS) },
  { weight: 2, arbitrary: fc.string({ maxLength: 12 }).map((text) => `/${text}`) },
  {
    weight: 2,
    arbitrary: fc
      .string({ unit: fc.constantFrom(...['/', '.', '%2e', '%2F', '%5c', ';', '?', '%', 'a', '@', '-']), maxLength: 8 })
      .map((text) => `/${text}`),
  },
);

const hostText = fc.oneof(
  { weight: 12, arbitrary: anyCase(fc.constantFrom(...HOSTS)) },
  { weight: 3, arbitrary: fc.constantFrom(...HOST_TRICKS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);

const headerMember = fc.tuple(
  quoted(
    fc.oneof(
      { weight: 16, arbitrary: anyCase(fc.constantFrom(...HEADER_NAMES)) },
      { weight: 1, arbitrary: fc.constantFrom(...ODD_HEADER_NAMES) },
      { weight: 3, arbitrary: fc.stringMatching(/^[A-Za-z_-]{1,6}$/) },
    ),
  ),
  fc.oneof(
    { weight: 24, arbitrary: quoted(fc.constantFrom(...HEADER_VALUES)) },
    { weight: 1, arbitrary: quoted(fc.constantFrom(...ODD_HEADER_VALUES)) },
    { weight: 6, arbitrary: quoted(fc.string({ maxLength: 8 })) },
    { weight: 3, arbitrary: fc.oneof(numberText, fc.constantFrom('true', 'false')) },
  ),
);

const headersText = orAnything(fc.array(headerMember, { maxLength: 4 }).chain(objectText));

const bodyText = fc.oneof(
  { weight: 1, arbitrary: valueText },
  { weight: 5, arbitrary: membersText.chain(objectText) },
  { weight: 2, arbitrary: quoted(fc.constantFrom(...BODIES)) },
  { weight: 2, arbitrary: stringText },
  { weight: 1, arbitrary: fc.nat(20_000).map((length) => `{"a":"${'커'.repeat(length)}"}`) },
);

const methodText = quoted(
  fc.oneof(
    {
      weight: 20,
      arbitrary: anyCase(fc.constantFrom('post', 'post', 'post', 'get', 'head', 'put', 'patch', 'delete')),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('CONNECT', 'TRACE', 'OPTIONS', 'po\u017ft', 'GET ', 'GET / HTTP/1.1\r\n', ''),
    },
  ),
);

// Short times would race the answer: what came of them could not be foretold.
const timeoutText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('20000', '16e3', '18000.0', '1e20') },
  { weight: 1, arbitrary: fc.constantFrom('0', '-1', '1.5', '"18000"', '1e999', 'true', '[]') },
);

const extraMember = fc.oneof(
  fc.tuple(quoted(fc.constantFrom(...EXTRA_NAMES)), valueText),
  fc.tuple(
    fc.constantFrom('"method"', '"p\\u0061th"', '"body"', '"headers"', '"hostname"'),
    fc.constantFrom('"x"', 'null'),
  ),
);

/** A member that is left out once in so many cases. */
function optional(name: string, value: fc.Arbitrary<string>, freq: number): fc.Arbitrary<[string, string][]> {
  return fc.option(value, { freq, nil: undefined }).map((text) => (text === undefined ? [] : [[`"${name}"`, text]]));
}

const structured = fc
  .tuple(
    orAnything(methodText).map((text): [string, string][] => [['"method"', text]]),
    orAnything(quoted(pathText)).map((text): [string, string][] => [['"path"', text]]),
    optional('hostname', orAnything(quoted(hostText)), 2),
    optional('headers', headersText, 3),
    optional('body', bodyText, 3),
    optional('timeoutMs', timeoutText, 2),
    fc.oneof(
      { weight: 20, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: extraMember.map((member): [string, string][] => [member]) },
    ),
    fc.nat(),
  )
  .chain(([...parts]) => {
    const turn = Number(parts.pop());
    const members = (parts as [string, string][][]).flat();
    const at = turn % members.length;
    return objectText([...members.slice(at), ...members.slice(0, at)]);
  })
  .map((text): Uint8Array => Buffer.from(text));

/** Any bytes that a caller may send as an envelope. */
export const envelopeBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 14, arbitrary: structured },
  { weight: 4, arbitrary: mutated(structured, TOKENS) },
  { weight: 1, arbitrary: fc.oneof(valueText, membersText.chain(objectText)).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);
