import type { Check, Section } from './check.ts';

const MARKS: Readonly<Record<Check['state'], string>> = { ok: '✓', warning: '!', failed: '✗', skipped: '–' };

/** Whether the service would start, and its calls would be answered. */
export function isHealthy(sections: readonly Section[]): boolean {
  return countOf(sections, 'failed') === 0;
}

/** The report for a person. */
export function asText(sections: readonly Section[]): string {
  const width = Math.max(...sections.flatMap(({ checks }) => checks.map(({ check }) => check.length)));
  const blocks = sections.map(({ name, checks }) =>
    [name, ...checks.map((one) => `  ${MARKS[one.state]} ${one.check.padEnd(width)}  ${one.message}`)].join('\n'),
  );
  return `${[...blocks, summary(sections)].join('\n\n')}\n`;
}

/** The report for a program: `{ ok, checks: [{ section, check, state, message }] }`. */
export function asJson(sections: readonly Section[]): string {
  const checks = sections.flatMap(({ name, checks }) => checks.map((one) => ({ section: name, ...one })));
  return `${JSON.stringify({ ok: isHealthy(sections), checks }, null, 2)}\n`;
}

function summary(sections: readonly Section[]): string {
  const failures = countOf(sections, 'failed');
  const others = [
    `${countOf(sections, 'ok')} passed`,
    ...(['warning', 'skipped'] as const).flatMap((state) => {
      const count = countOf(sections, state);
      return count === 0 ? [] : [`${count} ${state === 'warning' && count > 1 ? 'warnings' : state}`];
    }),
  ].join(', ');
  return failures === 0 ? `All is well: ${others}.` : `Not well: ${failures} failed, ${others}.`;
}

function countOf(sections: readonly Section[], state: Check['state']): number {
  return sections.flatMap(({ checks }) => checks).filter((one) => one.state === state).length;
}
