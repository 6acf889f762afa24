import { isIP } from 'node:net';
import { z } from 'zod';

/** The kinds of value that a setting can have. Each takes the variable's text; no message repeats it. */

/** A setting that may be left out. `shown` is what then holds, where other settings decide that. */
export function optional<T extends z.ZodType>(meaning: string, type: T, shown?: string) {
  return type.optional().meta({ description: meaning, default: shown });
}

/** A setting whose default is a text like any that an operator could have written. */
export function withDefault<T extends z.ZodType<unknown, string>>(meaning: string, text: string, type: T) {
  // The text is what T takes in, which the type checker cannot see through `T extends`.
  return type.prefault(text as z.input<T>).meta({ description: meaning, default: text });
}

export function integer(min: number, max: number) {
  return z
    .string()
    .trim()
    .refine((text) => /^\d{1,10}$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `write a whole number from ${min} to ${max}, digits only.`,
    })
    .transform(Number);
}

export function flag() {
  return z.enum(['true', 'false'], { error: 'write true or false.' }).transform((text) => text === 'true');
}

/** Where to listen: an IP address without brackets, or `localhost`. */
export function listenAddress() {
  return z
    .string()
    .trim()
    .toLowerCase()
    .refine((text) => text === 'localhost' || isIP(text) !== 0, {
      error: 'write an IP address (IPv6 without brackets) or localhost.',
    });
}

/** `a, b`: each entry is judged by itself, so that every bad one is told. */
export function list<T extends z.ZodType<unknown, string>>(entry: T) {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(entry));
}

/**
 * Tells each entry that repeats an earlier one.
 *
 * @param keyOf what makes two entries the same
 * @param message what to say; it stands after the entry's number
 */
export function refuseRepeated<T>(keyOf: (entry: T) => string, message: string) {
  return (entries: readonly T[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, entry] of entries.entries()) {
      const key = keyOf(entry);
      if (seen.has(key)) context.addIssue({ code: 'custom', message, path: [index] });
      seen.add(key);
    }
  };
}
