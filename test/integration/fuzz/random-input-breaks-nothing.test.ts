import { expect, test } from 'vitest';
import { answerCampaign } from '../../../scripts/fuzz/answer-campaign.ts';
import { type Campaign, run } from '../../../scripts/fuzz/campaign.ts';
import { printable } from '../../../scripts/fuzz/corpus.ts';
import { envelopeCampaign } from '../../../scripts/fuzz/envelope-campaign.ts';
import { settingsCampaign } from '../../../scripts/fuzz/settings-campaign.ts';
import { streamCampaign } from '../../../scripts/fuzz/stream-campaign.ts';

/** Always the same cases here, so that a red test is red again; `npm run fuzz` looks at others. */
const SEED = 1;

/** To make a failing case smaller takes its time. */
const LONGEST_MS = 150_000;

async function mustHold<Case>(campaign: Campaign<Case>, runs: number): Promise<void> {
  const failure = await run(campaign, { seed: SEED, runs, count: () => undefined });
  expect(failure?.error, failure?.one && printable(campaign.toJson(failure.one))).toBeUndefined();
}

test(
  'random envelopes make the one request that they describe, or none',
  () => mustHold(envelopeCampaign, 300),
  LONGEST_MS,
);

test('random bytes are answered from the table, and disturb nobody', () => mustHold(streamCampaign, 150), LONGEST_MS);

test(
  'random answers of the payment API are told as they are, or not as answers',
  () => mustHold(answerCampaign, 100),
  LONGEST_MS,
);

test(
  'random settings are taken whole, or refused without a word of what they say',
  () => mustHold(settingsCampaign, 200),
  LONGEST_MS,
);
