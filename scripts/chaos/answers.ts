import { gzipSync } from 'node:zlib';
import { Random } from './random.ts';

/** What the payment API is going to answer. */
export interface PlannedAnswer {
  readonly status: number;
  /** End-to-end headers, those of framing left out. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Empty where there is none. */
  readonly body: Buffer;
}

/** Makes an answer out of chance; the number of the call stands in it, so that no two are the same. */
export type AnswerShape = (random: Random, id: number) => PlannedAnswer;

/** The most that the service holds (design §1, "The answer"). */
const HELD_BYTES = 65_536;
const LARGEST_BYTES = 400_000;

const STATUSES = [200, 200, 200, 200, 201, 202, 206, 302, 400, 401, 404, 409, 422, 429, 500, 502, 503];

/** Bytes to cut bodies from: making them anew for each call would cost more than the call. */
const POOL = makePool();

export const small: AnswerShape = (random, id) => ({
  status: random.pick(STATUSES),
  headers: [...named(id), ['Content-Type', 'application/json;charset=UTF-8']],
  body: Buffer.from(
    `{"resultType":"SUCCESS","success":{"id":${id},"amount":15000.00,"id":"${'x'.repeat(random.between(0, 900))}"}}`,
  ),
});

export const large: AnswerShape = (random, id) => {
  const bytes = random.chance(0.3) ? HELD_BYTES + random.between(0, 1) : random.between(HELD_BYTES, LARGEST_BYTES);
  return binary(random, id, bytes);
};

/** One that the service streams. */
export const streamed: AnswerShape = (random, id) => binary(random, id, random.between(100_000, LARGEST_BYTES));

/** One that the service holds until it is whole. */
export const held: AnswerShape = (random, id) => binary(random, id, random.between(2, 60_000));

/** Characters of two, three and four bytes. */
export const korean: AnswerShape = (random, id) => ({
  ...small(random, id),
  headers: [...named(id), ['Content-Type', 'text/plain; charset=utf-8']],
  body: Buffer.from(`é결제가 완료되었습니다 😀 ${id} `.repeat(random.between(1, 40))),
});

export const gzipped: AnswerShape = (random, id) => {
  const { body, ...rest } = korean(random, id);
  const headers = [...rest.headers, ['Content-Encoding', 'gzip'], ['ETag', `"${id}-gzip"`], ['Vary', '*']] as const;
  return { ...rest, headers, body: gzipSync(body, { level: 1 }) };
};

export const withCookies: AnswerShape = (random, id) => {
  const answer = small(random, id);
  const cookies = Array.from(
    { length: random.between(2, 5) },
    (_, at) => ['Set-Cookie', `c${at}=${id}; Path=/`] as const,
  );
  return { ...answer, headers: [...answer.headers, ...cookies, ['x-ODD-case', 'inner  space'], ['X-Empty', '']] };
};

export const bodiless: AnswerShape = (random, id) => ({
  status: random.pick([204, 304]),
  headers: [...named(id), ['ETag', `"${id}"`]],
  body: Buffer.alloc(0),
});

/** A 408 of the payment API itself. */
export const requestTimeout: AnswerShape = (random, id) => ({ ...small(random, id), status: 408 });

function binary(random: Random, id: number, bytes: number): PlannedAnswer {
  const from = random.between(0, POOL.length - bytes);
  const start = Buffer.from(`${id} `).subarray(0, bytes);
  return {
    status: random.pick(STATUSES),
    headers: [...named(id), ['Content-Type', 'application/octet-stream']],
    body: Buffer.concat([start, POOL.subarray(from, from + bytes - start.length)]),
  };
}

function named(id: number) {
  return [['X-Answer-To', String(id)]] as const;
}

function makePool(): Buffer {
  const random = new Random(0, 'pool');
  const words = Uint32Array.from({ length: LARGEST_BYTES / 2 }, () => random.between(0, 2 ** 32 - 1));
  return Buffer.from(words.buffer);
}
