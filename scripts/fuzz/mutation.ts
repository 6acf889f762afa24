import fc from 'fast-check';

/** One change to some bytes: at `at`, `cut` bytes go and `put` comes. */
export interface Edit {
  readonly at: number;
  readonly cut: number;
  readonly put: Uint8Array;
}

/** Bytes that parsers disagree about, besides those that a campaign adds. */
const PIECES = ['\r\n', '\n', '\r', '\0', ' ', '\t', '"', '\\', ':', ',', '0', '-1', '\x7f', '\x0b', 'é', '\u{1f4b3}'];

/**
 * Changes to any bytes.
 *
 * @param pieces texts that are put in, in UTF-8
 */
export function edits(pieces: readonly string[], { least, most }: { least: number; most: number }) {
  const put = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...PIECES, ...pieces).map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: fc.constant(Buffer.alloc(0)) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 3 }) },
  );
  const edit: fc.Arbitrary<Edit> = fc.record({ at: fc.nat(9_999), cut: fc.oneof(fc.constant(0), fc.nat(8)), put });
  return fc.array(edit, { minLength: least, maxLength: most });
}

/** Bytes with one to three changes. */
export function mutated(bytes: fc.Arbitrary<Uint8Array>, pieces: readonly string[]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(bytes, edits(pieces, { least: 1, most: 3 })).map(([start, all]) => all.reduce(apply, start));
}

/** `at` is a place among ten thousand, so that one edit fits texts of any length. */
export function apply(bytes: Uint8Array, { at, cut, put }: Edit): Uint8Array {
  const place = Math.floor((at / 10_000) * (bytes.length + 1));
  return Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + cut)]);
}
