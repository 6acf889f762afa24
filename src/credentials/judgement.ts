/** What was found in a PEM text. Its faults and warnings name no variable: only who read the text knows that. */
export interface Judgement<T> {
  /** Absent when nothing could be made of the text; else it may still have faults. */
  readonly value?: T;
  /** What makes it unusable, and the remedy; one line each. */
  readonly faults: readonly string[];
  /** What the operator should know all the same. */
  readonly warnings: readonly string[];
}

export function faulty(...faults: readonly string[]): {
  readonly faults: readonly string[];
  readonly warnings: readonly [];
} {
  return { faults, warnings: [] };
}
