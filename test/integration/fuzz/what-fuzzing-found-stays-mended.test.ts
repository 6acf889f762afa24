import { expect, test } from 'vitest';
import { answerCampaign } from '../../../scripts/fuzz/answer-campaign.ts';
import { type Campaign, replay } from '../../../scripts/fuzz/campaign.ts';
import { readCorpus } from '../../../scripts/fuzz/corpus.ts';
import { envelopeCampaign } from '../../../scripts/fuzz/envelope-campaign.ts';
import { settingsCampaign } from '../../../scripts/fuzz/settings-campaign.ts';
import { streamCampaign } from '../../../scripts/fuzz/stream-campaign.ts';

const players = new Map([
  player(envelopeCampaign),
  player(streamCampaign),
  player(answerCampaign),
  player(settingsCampaign),
]);

function player<Case>(campaign: Campaign<Case>) {
  return [campaign.name, (json: unknown) => replay(campaign, campaign.fromJson(json))] as const;
}

test.for(readCorpus())('%s', async ([, file]) => {
  const play = players.get(file.campaign);
  expect(play, `no campaign is called ${file.campaign}`).toBeDefined();
  await play?.(file.case);
});
