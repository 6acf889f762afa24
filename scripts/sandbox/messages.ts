import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Answer, success } from './answer.ts';

export const Message = z.object({ templateSetCode: z.string().min(1), context: z.record(z.string(), z.unknown()) });

/** One push, to nobody. */
export function sendMessage(): Answer {
  return success({
    msgCount: 1,
    sentPushCount: 1,
    sentInboxCount: 0,
    sentSmsCount: 0,
    sentAlimtalkCount: 0,
    sentFriendtalkCount: 0,
    detail: { sentPush: [{ contentId: `toss:PUSH~${randomUUID()}` }] },
  });
}
