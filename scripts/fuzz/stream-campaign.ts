import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readAnswers, readingOf } from './answers.ts';
import { Caller } from './caller.ts';
import type { Campaign, Ground } from './campaign.ts';
import { judge, racesTheClock } from './contract.ts';
import { bytesFromJson, bytesToJson } from './corpus.ts';
import { within } from './deadline.ts';
import { type Stream, stream } from './stream-cases.ts';
import {
  certainRequests,
  dueTo,
  isHeadIn,
  type Possible,
  possibleOf,
  possibleRequests,
  wireOf,
  without,
} from './stream-contract.ts';
import { type Heard, play } from './stream-player.ts';
import { HOSTS, startWorld, type World } from './world.ts';

const MOST_AT_ONCE = 8;

/** Longer than any deadline of the listener that a stream can meet. */
const HANG_MS = 30_000;

/** Calls whose callers have left may reach the payment API after their case; so many are kept in mind. */
const MOST_LATE = 200;

const NEIGHBOUR = '{"method":"POST","path":"/neighbour","body":{"a":1}}';

type Streams = readonly Stream[];

/** Bytes of every kind at the listener, over several connections at once, while a neighbour makes a proper call. */
export const streamCampaign: Campaign<Streams> = {
  name: 'streams',
  cases: fc.array(stream, { minLength: 1, maxLength: MOST_AT_ONCE }),
  toJson: (streams) => streams.map(({ writes, ending }) => ({ writes: writes.map(bytesToJson), ending })),
  fromJson: (json) =>
    (json as { writes: unknown[]; ending: Stream['ending'] }[]).map(({ writes, ending }) => ({
      writes: writes.map(bytesFromJson),
      ending,
    })),
  open: openGround,
};

async function openGround(): Promise<Ground<Streams>> {
  const world = await startWorld();
  const neighbour = new Caller(world.port);
  let late: Possible[] = [];
  return {
    async check(streams, count) {
      if (streams.flatMap(possibleRequests).some(({ body }) => racesTheClock(judge(body, HOSTS)))) return;
      const before = world.ledger.requests.length;
      const played = streams.map(async (one) => ({ one, heard: await playOne(world.port, one) }));
      const call = neighbour.post(Buffer.from(NEIGHBOUR));
      const all = Promise.all([Promise.all(played), call]);
      const [heard, answer] = await within(HANG_MS, 'a stream or its neighbour', all);
      const neighbours = readingOf(answer);
      assert(neighbours.kind === 'forwarded', 'a neighbour was disturbed');
      for (const { one, heard: said } of heard) count(checkHeard(said, one, world));
      await within(HANG_MS, 'a connection at the listener', world.listener.openConnections(1));
      await checkLog(world);
      const read = world.ledger.requests.filter((_, at) => at >= before && at !== neighbours.seen);
      late = without([...streams.flatMap(possibleOf), ...late], read)
        .filter(({ wasLeft }) => wasLeft)
        .slice(0, MOST_LATE);
      assert.deepEqual(world.network.strays, [], 'a connection to a host that is not listed');
    },
    close: async () => {
      neighbour.close();
      await world.close();
    },
  };
}

function playOne(port: number, one: Stream): Promise<Heard> {
  const certain = certainRequests(one);
  return play(port, one, certain.requests.length, isHeadIn(certain));
}

/** @returns what came of the stream */
function checkHeard({ bytes, isReset }: Heard, one: Stream, world: World): string {
  const certain = certainRequests(one);
  const possible = possibleRequests(one);
  const { answers, rest } = readAnswers(bytes, isHeadIn(certain));
  const last = answers.findIndex(({ headers }) => headers.get('connection') === 'close');
  assert(last === -1 || last === answers.length - 1, 'an answer after one that closes the connection');
  let forwarded = 0;
  for (const [at, answer] of answers.entries()) {
    const reading = readingOf(answer);
    const due = dueTo(certain.requests[at]);
    const came = reading.kind === 'error' ? reading.code : reading.kind;
    if (due !== undefined) assert.equal(came, due, 'a proper call among others was not treated as one');
    if (reading.kind !== 'forwarded') continue;
    forwarded += 1;
    const request = possible[at];
    const recorded = world.ledger.requests[reading.seen]?.wire.toString('latin1');
    assert.equal(recorded, request && wireOf(request), 'an answer to another request than stands in its place');
  }
  if (one.ending !== 'wait') return 'left before its answers';
  // Who goes on after the last answer meets a closed connection.
  assert(!isReset || last !== -1, 'the connection was reset without an answer that ends it');
  assert.equal(rest.length, 0, 'an answer was cut');
  assert(answers.length >= certain.requests.length || last !== -1, 'a request without an answer');
  assert(answers.length <= possible.length + 1, 'more answers than requests');
  return `${forwarded === 0 ? 'nothing' : 'something'} forwarded, then ${certain.rest}`;
}

async function checkLog(world: World): Promise<void> {
  const calls = [...world.listener.takeCalls()].sort();
  const lines = await within(HANG_MS, 'a log line', world.callLines(calls.length));
  assert.deepEqual(lines.map(({ requestId }) => String(requestId)).sort(), calls, 'not one log line for each call');
}
