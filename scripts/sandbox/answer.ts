/** What the sandbox's API answers a call: an HTTP status and a JSON body, most often in Toss's envelope. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export function success(value: unknown): Answer {
  return { status: 200, body: { resultType: 'SUCCESS', success: value } };
}

/** @param status 200 by default: at Toss a call that was understood and refused is still a 200 */
export function failure(errorCode: string, reason: string, status = 200): Answer {
  return { status, body: { resultType: 'FAIL', error: { errorCode, reason } } };
}

/** The login API's own, bare form of "this code or token is not valid". */
export function invalidGrant(status: 400 | 401): Answer {
  return { status, body: { error: 'invalid_grant' } };
}

/** More calls than Toss allows a user in a minute. */
export function tooManyRequests(): Answer {
  return failure('4095', '요청이 너무 많아요. 잠시 후 다시 시도해 주세요.');
}
