import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** CPU cores that a process may use, as `taskset` writes them; none: any. */
export type Cores = string | undefined;

interface Division {
  /** One core, for whatever is measured. */
  readonly contender: Cores;
  /** For the payment API and the callers. */
  readonly others: Cores;
}

/**
 * Deals out the cores.
 *
 * @param list the cores that may be used, as Linux lists them: `0-3,8`
 */
export function divide(list: string): Division {
  const cores = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
  const [first, second, ...rest] = cores;
  if (first === undefined || second === undefined) return { contender: undefined, others: undefined };
  return { contender: String(second), others: [first, ...rest].join() };
}

/** Keeps this process, and all that it starts, off the core of the contenders. */
export function takeCores(): Division {
  if (!hasTaskset()) return { contender: undefined, others: undefined };
  const allowed = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const division = divide(allowed);
  if (division.others !== undefined) spawnSync('taskset', ['-acp', division.others, String(process.pid)]);
  return division;
}

function hasTaskset(): boolean {
  return spawnSync('taskset', ['--version']).status === 0;
}
