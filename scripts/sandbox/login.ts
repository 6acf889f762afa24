import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Answer, failure, invalidGrant, success } from './answer.ts';

/** `referrer` goes back exactly as the app was given it: another case is refused. */
export const TokenRequest = z.object({
  authorizationCode: z.string().min(1),
  referrer: z.enum(['DEFAULT', 'SANDBOX']),
});
export const TokenRefresh = z.object({ refreshToken: z.string().min(1) });
export const Unlink = z.object({ userKey: z.int() });

const SCOPE = 'user_key,user_name';
const ACCESS_TOKEN_LIFE_S = 3600;

/**
 * Toss login. Any authorization code is taken, once, and stands for a new user. Personal data is "encrypted" under a key that
 * nobody has: what matters here is that it passes unchanged.
 */
export class Login {
  readonly #usedCodes = new Set<string>();
  readonly #accessTokens = new Map<string, number>();
  readonly #refreshTokens = new Map<string, number>();
  #lastUserKey = 443_731_100;

  generateToken({ authorizationCode }: z.infer<typeof TokenRequest>): Answer {
    if (this.#usedCodes.has(authorizationCode)) return invalidGrant(400);
    this.#usedCodes.add(authorizationCode);
    this.#lastUserKey += 1;
    return this.#issue(this.#lastUserKey);
  }

  refreshToken({ refreshToken }: z.infer<typeof TokenRefresh>): Answer {
    const userKey = this.#refreshTokens.get(refreshToken);
    if (userKey === undefined) return invalidGrant(400);
    this.#refreshTokens.delete(refreshToken);
    return this.#issue(userKey);
  }

  /** @param authorization the header, `Bearer TOKEN` */
  loginMe(authorization: string | undefined): Answer {
    const userKey = this.#userOf(authorization);
    if (userKey === undefined) return invalidGrant(401);
    const name = randomBytes(40).toString('base64');
    return success({ userKey, scope: SCOPE, agreedTerms: ['terms_tag1'], name, phone: null, email: null, ci: null });
  }

  removeByUserKey({ userKey }: z.infer<typeof Unlink>, authorization: string | undefined): Answer {
    if (this.#userOf(authorization) === undefined) return invalidGrant(400);
    const tokens = [...this.#accessTokens, ...this.#refreshTokens].filter(([, owner]) => owner === userKey);
    if (tokens.length === 0) return failure('USER_NOT_FOUND', '사용자를 찾을 수 없습니다.', 400);
    for (const [token] of tokens) {
      this.#accessTokens.delete(token);
      this.#refreshTokens.delete(token);
    }
    return success({ userKey });
  }

  #userOf(authorization: string | undefined): number | undefined {
    return this.#accessTokens.get(/^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '');
  }

  #issue(userKey: number): Answer {
    const accessToken = randomBytes(32).toString('base64url');
    const refreshToken = randomBytes(32).toString('base64url');
    this.#accessTokens.set(accessToken, userKey);
    this.#refreshTokens.set(refreshToken, userKey);
    return success({ accessToken, refreshToken, expiresIn: ACCESS_TOKEN_LIFE_S, tokenType: 'Bearer', scope: SCOPE });
  }
}
