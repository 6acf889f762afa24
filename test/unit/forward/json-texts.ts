import fc from 'fast-check';

/** JSON as people write it: not what JSON.stringify makes, but with white space, escapes and digits of every kind. */

const whiteSpace = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });

const plainCharacters = fc
  .string({
    unit: fc.oneof(fc.constantFrom(...' {}[]:,/aé커💳'), fc.string({ unit: 'binary', maxLength: 1 })),
    maxLength: 6,
  })
  .map((text) => JSON.stringify(text).slice(1, -1));
const escapeSequence = fc.oneof(
  fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t'),
  fc.stringMatching(/^[0-9a-fA-F]{4}$/).map((digits) => `\\u${digits}`),
);

export const stringText = fc
  .array(fc.oneof(plainCharacters, escapeSequence), { maxLength: 6 })
  .map((pieces) => `"${pieces.join('')}"`);

export const numberText = fc.stringMatching(/^-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?$/);

const scalarText = fc.oneof(stringText, numberText, fc.constantFrom('true', 'false', 'null'));

const { valueText, membersText } = fc.letrec<{ valueText: string; arrayText: string; membersText: [string, string][] }>(
  (tie) => ({
    valueText: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalarText,
      tie('arrayText'),
      tie('membersText').chain((members) => objectText(members as [string, string][])),
    ),
    arrayText: fc
      .tuple(fc.array(fc.tuple(whiteSpace, tie('valueText'), whiteSpace), { maxLength: 4 }), whiteSpace)
      .map(([items, inner]) =>
        items.length === 0 ? `[${inner}]` : `[${items.map((item) => item.join('')).join(',')}]`,
      ),
    membersText: fc.array(fc.tuple(stringText, tie('valueText') as fc.Arbitrary<string>), { maxLength: 4 }),
  }),
);

/** Pairs of a quoted name and a value, as they stand in the text. */
export { membersText, valueText };

/** An object with these members, in white space of any kind. */
export function objectText(members: readonly (readonly [name: string, value: string])[]): fc.Arbitrary<string> {
  const gaps = fc.array(whiteSpace, { minLength: 4 * members.length + 1, maxLength: 4 * members.length + 1 });
  return gaps.map((gap) => {
    const written = members.map(([name, value], index) => {
      const [a = '', b = '', c = '', d = ''] = gap.slice(4 * index);
      return `${a}${name}${b}:${c}${value}${d}`;
    });
    return `{${written.join(',')}${members.length === 0 ? gap[0] : ''}}`;
  });
}
