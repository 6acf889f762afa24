/**
 * `npm run bench [-- --quick]`: what a call costs, how long it takes and what memory it needs, side by side with the same
 * job done by others. The figures of one run compare with each other, not with those of another machine or moment.
 * docs/performance.md says how to read them, and which options there are.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { aboutThisRun } from './bench/about.ts';
import { chart } from './bench/chart.ts';
import { contenders, DIRECT, EXPRESS, FASTIFY, HTTP, NAIVE, OURS } from './bench/contenders.ts';
import { costs } from './bench/cost.ts';
import { withReport } from './bench/document.ts';
import { Ground } from './bench/ground.ts';
import { latencies, quietCalls } from './bench/latency.ts';
import type { Load } from './bench/load.ts';
import { memory } from './bench/memory.ts';
import { type Options, parseOptions, type Section } from './bench/options.ts';
import { report } from './bench/report.ts';
import { costRows, loadRows, type Results } from './bench/results.ts';
import { starts } from './bench/start.ts';

const USUAL: Load = { size: 'small', callers: 64 };
/** Few callers with large bodies: the naive design holds several copies of each. */
const BODIES: readonly Load[] = [USUAL, { size: '64k', callers: 64 }, { size: '10m', callers: 4 }];
const SIXTEEN: Load = { size: 'small', callers: 16 };
const CALLERS: readonly Load[] = [{ size: 'small', callers: 1 }, SIXTEEN, USUAL, { size: 'small', callers: 512 }];

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const args = process.argv.slice(2);
const options = optionsOf(args);
const results = await run(options);
const text = report(results);
console.log(text);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
if (options.document !== undefined) write(options.document, results, text);
process.exit(0);

async function run({ sections, contenders: ids, effort, node, beside }: Options): Promise<Results> {
  const ground = await Ground.open(node);
  const about = aboutThisRun(args, node, ground.division);
  const measure = async <T>(section: Section, work: () => Promise<T>): Promise<T | undefined> => {
    if (!sections.includes(section)) return undefined;
    say(`\n${section}`);
    return work();
  };
  return {
    about,
    cost: await measure('cost', async () => {
      const all = contenders(beside).filter(({ id }) => ids?.includes(id) ?? true);
      return costRows(all, USUAL, await costs(ground, all, [USUAL], effort, say));
    }),
    bodies: await measure('bodies', async () => {
      const all = [OURS, NAIVE, FASTIFY];
      return loadRows(all, BODIES, USUAL, await costs(ground, all, BODIES, effort, say));
    }),
    callers: await measure('callers', async () =>
      loadRows([OURS], CALLERS, SIXTEEN, await costs(ground, [OURS], CALLERS, effort, say)),
    ),
    latency: await measure('latency', () => latencies(ground, [DIRECT, OURS, NAIVE, FASTIFY], effort, say)),
    quiet: await measure('quiet', () => quietCalls(ground, [DIRECT, OURS, NAIVE, FASTIFY], effort, say)),
    memory: await measure('memory', () => memory(ground, [OURS, NAIVE, FASTIFY], effort, say)),
    start: await measure('start', () => starts(ground, [OURS, EXPRESS, HTTP], effort, say)),
  };
}

/** Puts the report into the document, and the chart beside it. */
function write(document: string, found: Results, tables: string): void {
  const picture = document.replace(/\.md$/, '.svg');
  const image = `![CPU time per call](${picture.split('/').at(-1)})`;
  writeFileSync(document, withReport(readFileSync(document, 'utf8'), `${tables}\n\n${image}`));
  writeFileSync(picture, chart(found.cost ?? []));
}

function optionsOf(given: readonly string[]): Options {
  try {
    return parseOptions(given, process.execPath);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error('Usage: npm run bench -- [--quick] [options of docs/performance.md]');
    process.exit(2);
  }
}

function say(progress: string): void {
  console.error(progress);
}
