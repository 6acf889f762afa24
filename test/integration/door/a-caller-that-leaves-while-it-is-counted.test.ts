import { expect, test } from 'vitest';
import { post } from '../../support/caller.ts';
import { callRaw, rawCall } from '../../support/raw-caller.ts';
import { startSlowRedis } from '../../support/slow-redis.ts';
import { openDoor, PAYMENT } from './door.ts';

test('a caller that hangs up while Redis is asked takes no place among the calls in flight', async () => {
  const redis = await startSlowRedis();
  const settings = { RATE_LIMIT_PER_MINUTE: '5', REDIS_URL: redis.url, MAX_IN_FLIGHT: '1' };
  const door = await openDoor({ settings });
  const caller = await callRaw(door.port);

  await caller.send(rawCall(JSON.stringify(PAYMENT), [`Authorization: ${door.pass.Authorization}`]));
  const reply = await redis.asked();
  caller.socket.destroy();
  expect(await door.service.callLines(1)).toMatchObject([{ outcome: 'not_processed', callerGone: true }]);
  reply(1);
  const next = post(door.port, PAYMENT, { headers: door.pass });
  (await redis.asked())(2);

  expect((await next).status).toBe(200);
  expect(door.requests).toBe(1);
  expect(await door.service.callLines(2)).toHaveLength(2);
});
