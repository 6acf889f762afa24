import { styleText } from 'node:util';
import type { Phase, Reply } from './caller.ts';

/** Turns the parts of the story into text: 80 columns at most, plain ASCII beside the payment API's own words. */
export interface Painter {
  title(text: string): string;
  /** The outcome of a call and a fact from its answer, in one line. */
  result(reply: Reply, fact: string): string;
  /**
   * Where the time of a call went; what no phase accounts for is left blank. All bars of one painter have one scale, as
   * long as none is longer than the first.
   */
  timing(reply: Reply): string;
}

type Style = Parameters<typeof styleText>[0];

const BAR_COLUMNS = 60;
const FILL: Readonly<Record<string, string>> = { dns: '.', tcp: ':', tls: '#', send: '>', wait: '-', receive: '<' };
const OUTCOME_STYLE: Readonly<Record<string, Style>> = { answered: 'green', not_processed: 'yellow', unknown: 'red' };

export function createPainter(coloured: boolean): Painter {
  const paint = (style: Style, text: string) => (coloured ? styleText(style, text, { validateStream: false }) : text);
  let scaleMs = 0;

  return {
    title: (text) => paint('bold', text),

    result(reply, fact) {
      const outcome = paint(OUTCOME_STYLE[reply.outcome] ?? 'red', reply.outcome);
      return `   HTTP ${reply.status}   Proxy-Outcome: ${outcome}   ${fact}`;
    },

    timing({ phases, totalMs }) {
      scaleMs = Math.max(scaleMs, totalMs);
      const columnsPerMs = BAR_COLUMNS / scaleMs;
      const bar = paint('cyan', drawBar(phases, columnsPerMs).padEnd(Math.round(totalMs * columnsPerMs)));
      const legend = phases.map(({ name, durationMs }) => `${fillOf(name)} ${name} ${round(durationMs)}`).join('  ');
      return `   |${bar}| ${round(totalMs)} ms\n    ${paint('dim', legend)}`;
    },
  };
}

/** Every phase gets a column at least. Its end is rounded, not its length, so that the bar's own length stays true. */
function drawBar(phases: readonly Phase[], columnsPerMs: number): string {
  let bar = '';
  let endMs = 0;
  for (const { name, durationMs } of phases) {
    endMs += durationMs;
    bar += fillOf(name).repeat(Math.max(1, Math.round(endMs * columnsPerMs) - bar.length));
  }
  return bar.slice(0, BAR_COLUMNS);
}

function fillOf(phase: string): string {
  return FILL[phase] ?? '=';
}

function round(durationMs: number): string {
  return durationMs < 10 ? durationMs.toFixed(1) : durationMs.toFixed(0);
}
