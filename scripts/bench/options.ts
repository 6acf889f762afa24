import { parseArgs } from 'node:util';
import type { Effort } from './cost.ts';

/** What can be measured. */
export const SECTIONS = ['cost', 'bodies', 'callers', 'latency', 'quiet', 'memory', 'start'] as const;
export type Section = (typeof SECTIONS)[number];

export interface Options {
  readonly sections: readonly Section[];
  /** Ids of those whose cost is measured; none: all. */
  readonly contenders: readonly string[] | undefined;
  readonly effort: Effort;
  /** The Node that runs the contenders. */
  readonly node: string;
  /** The folder of another build of ours, to compare with. */
  readonly beside: string | undefined;
  /** Files to write to. */
  readonly json: string | undefined;
  readonly document: string | undefined;
}

/**
 * @param args the command line
 * @param node the Node that runs the contenders unless another is named
 * @throws TypeError when an option is not one of ours, or its value makes no sense
 */
export function parseOptions(args: readonly string[], node: string): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      contenders: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      node: { type: 'string', default: node },
      beside: { type: 'string' },
      json: { type: 'string' },
      write: { type: 'string' },
    },
  });
  const sections = values.only?.split(',').map(section) ?? SECTIONS;
  if (values.write !== undefined && (values.only ?? values.contenders) !== undefined) {
    throw new TypeError('--write takes a whole run, without --only and --contenders.');
  }
  return {
    sections,
    contenders: values.contenders?.split(','),
    effort: {
      rounds: positive('rounds', values.rounds, values.quick ? 1 : 5),
      seconds: positive('seconds', values.seconds, values.quick ? 0.1 : 4),
      warmth: values.quick ? 0.02 : 1,
    },
    node: values.node,
    beside: values.beside,
    json: values.json,
    document: values.write,
  };
}

function section(name: string): Section {
  const found = SECTIONS.find((one) => one === name);
  if (found === undefined) throw new TypeError(`--only takes some of ${SECTIONS.join()}.`);
  return found;
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text);
  if (!(number > 0)) throw new TypeError(`--${name} takes a number above 0.`);
  return number;
}
