import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Answer, failure, success } from './answer.ts';

export const PromotionExecution = z.object({
  promotionCode: z.string().min(1),
  key: z.string().min(1),
  amount: z.int().min(1),
});

const KEY_LIFE_MS = 3_600_000;
const MAX_POINTS = 5_000;

/** Toss points for a user: a key first, good for one grant within the hour. The numbers of the failures are Toss's. */
export class Promotions {
  readonly #keys = new Map<string, { readonly expiresAtMs: number; granted: boolean }>();

  createKey(): Answer {
    const key = randomBytes(32).toString('base64');
    this.#keys.set(key, { expiresAtMs: Date.now() + KEY_LIFE_MS, granted: false });
    return success({ key });
  }

  execute({ key, amount }: z.infer<typeof PromotionExecution>): Answer {
    const entry = this.#keys.get(key);
    if (entry === undefined || entry.expiresAtMs < Date.now())
      return failure('4111', '리워드 지급 내역을 찾을 수 없어요.');
    if (entry.granted) return failure('4113', '이미 지급된 내역이에요.');
    if (amount > MAX_POINTS) return failure('4114', '1회 지급 금액을 초과했어요.');
    entry.granted = true;
    return success({ key });
  }
}
