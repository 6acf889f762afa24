/**
 * Numbers that only look random: the same seed and stream give the same ones on every machine and Node version, so that
 * a run that failed can be played again.
 */
export class Random {
  #state: number;

  /** @param stream which of the many independent rows of numbers that one seed stands for */
  constructor(seed: number, stream: string, index = 0) {
    let state = seed | 0;
    for (let at = 0; at < stream.length; at++) state = mix(state + stream.charCodeAt(at));
    this.#state = mix(state + index);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.#fraction() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.#fraction() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.between(0, from.length - 1)];
    if (picked === undefined) throw new RangeError('There is nothing to pick from');
    return picked;
  }

  /** One of the names, each as often as its weight says; a weight of 0 means never. */
  weighted<Name extends string>(weights: readonly (readonly [Name, number])[]): Name {
    let rest = this.#fraction() * weights.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of weights) {
      rest -= weight;
      if (rest < 0) return name;
    }
    throw new RangeError('There is nothing to pick from');
  }

  /** The same things in another order. */
  shuffled<T>(things: readonly T[]): T[] {
    return things
      .map((thing) => ({ thing, rank: this.#fraction() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ thing }) => thing);
  }

  #fraction(): number {
    // A Weyl sequence (steps of 2^32 divided by the golden ratio), then mixed: the construction of SplitMix.
    this.#state = (this.#state + 0x9e37_79b9) | 0;
    return mix(this.#state) / 2 ** 32;
  }
}

/** Every bit of the input changes about half of the output's: MurmurHash3's finaliser for 32 bits. */
function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
