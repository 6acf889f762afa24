/**
 * `npm run fuzz [-- --envelopes N --streams N --answers N --settings N --seed N]`: random envelopes, bytes on callers'
 * connections, answers of the payment API, and settings, and what must hold for each. Without a number all go on until
 * Ctrl-C. A case that fails is made as small as possible, printed, and written to the corpus, whose files `npm test` checks
 * from then on. Exits with 1 when a case failed, with 130 when it was interrupted before its numbers were reached.
 */
import { readOptions, wholeNumber } from './command-line.ts';
import { Alarms } from './fuzz/alarms.ts';
import { answerCampaign } from './fuzz/answer-campaign.ts';
import { type Campaign, type Failure, replay, run } from './fuzz/campaign.ts';
import { printable, saveToCorpus } from './fuzz/corpus.ts';
import { envelopeCampaign } from './fuzz/envelope-campaign.ts';
import { settingsCampaign } from './fuzz/settings-campaign.ts';
import { streamCampaign } from './fuzz/stream-campaign.ts';
import { Tally } from './fuzz/tally.ts';

/** Cases that share a service; then comes a fresh one, with the next seed. */
const CASES_AT_A_TIME = 250;

const PROGRESS_MS = 10_000;

const values = readOptions('npm run fuzz -- [--envelopes N] [--streams N] [--answers N] [--settings N] [--seed N]', {
  envelopes: { type: 'string' },
  streams: { type: 'string' },
  answers: { type: 'string' },
  settings: { type: 'string' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
});
const { envelopes, streams, answers, settings } = values;
const isEndless = [envelopes, streams, answers, settings].every((number) => number === undefined);
const firstSeed = wholeNumber('seed', values.seed, 0);

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

// What a failing case has left behind may still come to pass while the case is written down.
const alarms = new Alarms();
const players = [
  player(envelopeCampaign, envelopes),
  player(streamCampaign, streams),
  player(answerCampaign, answers),
  player(settingsCampaign, settings),
];
console.log(`Seed ${firstSeed}, Node ${process.version}.`);
process.exitCode = await playAll();
alarms.stop();
for (const { name, tally } of players) if (tally.total > 0) console.log(`\n${name}: ${tally}\n${tally.rows()}`);

/** @returns the exit code */
async function playAll(): Promise<number> {
  let saidAtMs = performance.now();
  for (let seed = firstSeed; players.some(({ isDone }) => !isDone()); seed++) {
    for (const { isDone, play } of players) {
      if (isDone()) continue;
      if (!(await play(seed))) return 1;
      if (stop.signal.aborted) return isEndless ? 0 : 130;
      if (performance.now() - saidAtMs < PROGRESS_MS) continue;
      saidAtMs = performance.now();
      console.log(players.map(({ name, tally }) => `${name} ${tally}`).join('   '));
    }
  }
  return 0;
}

function player<Case>(campaign: Campaign<Case>, wanted: string | undefined) {
  const { name } = campaign;
  const most = wanted === undefined ? (isEndless ? Number.POSITIVE_INFINITY : 0) : wholeNumber(name, wanted, 0);
  const tally = new Tally();
  /** @returns whether all went well */
  const play = async (seed: number): Promise<boolean> => {
    const startedAtMs = performance.now();
    const failure = await run(campaign, { seed, runs: CASES_AT_A_TIME, count: tally.count, signal: stop.signal });
    tally.spend(performance.now() - startedAtMs);
    if (failure !== undefined) await report(campaign, seed, failure);
    return failure === undefined;
  };
  return { name, tally, play, isDone: () => tally.total >= most };
}

async function report<Case>(campaign: Campaign<Case>, seed: number, { one, error }: Failure<Case>): Promise<void> {
  const { name, toJson } = campaign;
  const finding = error instanceof Error ? error.message : String(error);
  console.log(`\n${name} failed with seed ${seed}: ${finding}`);
  if (error instanceof Error) console.log(error.stack, error.cause ?? '');
  const json = one === undefined ? undefined : toJson(one);
  if (json !== undefined) console.log(printable(json));
  if (one === undefined || !(await failsAlone(campaign, one))) {
    console.log(
      `By itself it does not fail: it takes others. To play all again: npm run fuzz -- --${name} 1 --seed ${seed}`,
    );
    return;
  }
  const file = saveToCorpus(`${name}-${seed}`, { campaign: name, finding, case: json });
  console.log(`Written to ${file}: "npm test" checks it from now on. Name it after what it is about.`);
}

async function failsAlone<Case>(campaign: Campaign<Case>, one: Case): Promise<boolean> {
  try {
    await replay(campaign, one);
    return false;
  } catch {
    return true;
  }
}
