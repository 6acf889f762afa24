import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Answer, readingOf } from './answers.ts';
import { Caller } from './caller.ts';
import type { Campaign, Ground } from './campaign.ts';
import { judge, racesTheClock, type Verdict } from './contract.ts';
import { bytesFromJson, bytesToJson } from './corpus.ts';
import { within } from './deadline.ts';
import { envelopeBytes } from './envelope-cases.ts';
import { HOSTS, startWorld, type World } from './world.ts';

/** How many envelopes are on their way at once. */
const MOST_AT_ONCE = 6;

/** Longer than the service's own deadlines. */
const HANG_MS = 30_000;

type Envelopes = readonly Uint8Array[];

/** Envelopes that arrive properly, several at once, over the connections of callers who keep them. */
export const envelopeCampaign: Campaign<Envelopes> = {
  name: 'envelopes',
  cases: fc.array(envelopeBytes, { minLength: 1, maxLength: MOST_AT_ONCE }),
  toJson: (envelopes) => envelopes.map(bytesToJson),
  fromJson: (json) => (json as unknown[]).map(bytesFromJson),
  open: openGround,
};

async function openGround(): Promise<Ground<Envelopes>> {
  const world = await startWorld();
  const callers = Array.from({ length: MOST_AT_ONCE }, () => new Caller(world.port));
  return {
    async check(envelopes, count) {
      const expected = envelopes.map((envelope) => judge(envelope, HOSTS));
      if (expected.some(racesTheClock)) return;
      const before = world.ledger.requests.length;
      const calls = envelopes.map((envelope, at) => within(HANG_MS, 'an envelope', post(callers[at], envelope)));
      const answers = await Promise.all(calls);
      for (const [at, verdict] of expected.entries()) count(checkAnswer(answers[at], verdict, world));
      const sent = expected.filter((verdict) => 'wire' in verdict).length;
      assert.equal(world.ledger.requests.length - before, sent, 'the payment API has read another number of requests');
      assert.equal(world.ledger.leftOver.toString('latin1'), '', 'the payment API has read more than requests');
      await checkLog(answers, world);
      assert.deepEqual(world.network.strays, [], 'a connection to a host that is not listed');
    },
    close: async () => {
      for (const caller of callers) caller.close();
      await world.close();
    },
  };
}

function post(caller: Caller | undefined, envelope: Uint8Array): Promise<Answer> {
  assert(caller, 'more envelopes than callers');
  return caller.post(envelope);
}

/** @returns what came of the envelope */
function checkAnswer(answer: Answer | undefined, verdict: Verdict, { ledger }: World): string {
  assert(answer);
  const reading = readingOf(answer);
  if ('refused' in verdict) {
    assert.deepEqual(reading.kind === 'error' ? reading.code : reading.kind, verdict.refused);
    return `refused: ${verdict.refused}`;
  }
  assert.equal(reading.kind === 'error' ? reading.code : reading.kind, 'forwarded');
  const recorded = reading.kind === 'forwarded' ? ledger.requests[reading.seen] : undefined;
  assert.deepEqual(
    [recorded?.host, recorded?.wire.toString('latin1')],
    [verdict.host, verdict.wire.toString('latin1')],
    'the payment API has read another request than the envelope describes',
  );
  return 'forwarded';
}

async function checkLog(answers: readonly Answer[], world: World): Promise<void> {
  const lines = await within(HANG_MS, 'a log line', world.callLines(answers.length));
  const idsOf = (ids: readonly unknown[]) => ids.map(String).sort();
  const answered = idsOf(answers.map(({ headers }) => headers.get('x-request-id')));
  assert.deepEqual(idsOf(lines.map(({ requestId }) => requestId)), answered, 'not one log line for each call');
  assert.deepEqual(idsOf(world.listener.takeCalls()), answered);
}
