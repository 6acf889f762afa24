import { type DestinationStream, destination } from 'pino';

const STDOUT = 1;

/** What waits here while standard output cannot be written; beyond it, lines are lost. */
const MAX_UNWRITTEN_BYTES = 1_048_576;

/** So much is written before its turn has ended: what came all at once must not be more than may wait. */
const MAX_HELD_LENGTH = 65_536;

/**
 * Standard output for log lines. The lines of one turn of the event loop go out in one write at its end: a write for
 * each was a seventh of the CPU time of a call (64 callers, Node 24). None is lost however the process ends by itself:
 * what is left then is written at its exit.
 *
 * A log that cannot be written (its reader is gone, the disk is full) is no reason to cut payments: it is told once.
 */
export function standardOutput(): DestinationStream & { flushSync(): void } {
  const output = destination({ dest: STDOUT, sync: true, maxLength: MAX_UNWRITTEN_BYTES });
  output.once('error', ({ code }: NodeJS.ErrnoException) =>
    console.error(`The log cannot be written (${code}). Calls go on without it.`),
  );
  output.on('error', () => undefined);

  let lines = '';
  const flush = () => {
    if (lines === '') return;
    const written = lines;
    lines = '';
    output.write(written);
  };
  process.on('exit', flush);
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
      lines += line;
      if (lines.length >= MAX_HELD_LENGTH) flush();
    },
    // Pino calls it for a fatal line.
    flushSync: flush,
  };
}
