/**
 * Cuts bytes into the pieces in which they are sent; none is empty.
 *
 * @param cuts places among ten thousand
 */
export function split(all: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map((cut) => Math.floor((cut / 10_000) * all.length)).sort((a, b) => a - b);
  const edges = [0, ...places, all.length];
  return edges.slice(1).flatMap((end, at) => {
    const piece = all.subarray(edges[at] ?? 0, end);
    return piece.length === 0 ? [] : [piece];
  });
}
