import { hash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Handler } from './call.ts';

/** RFC 6750 §2.1: the scheme in any case (RFC 9110 §11.1), spaces, a token68. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Who may call. Only digests of the keys are held, of one length for all, and every one of them is compared each time:
 * so the time that it takes tells neither which key was nearly right nor how far.
 */
export class Callers {
  #known: readonly { readonly name: string; readonly digest: Buffer }[] = [];
  #needsKey = false;

  /** @param apiKeys empty: everybody may call */
  constructor(apiKeys: Config['apiKeys']) {
    this.adopt(apiKeys);
  }

  /**
   * Takes these keys instead of the former ones, for a rotation without a restart. A service that needed keys once
   * needs them from then on: the address that it listens on was chosen for that, so with none left nobody gets in.
   */
  adopt(apiKeys: Config['apiKeys']): void {
    this.#known = apiKeys.map(({ name, key }) => ({ name, digest: digestOf(key.reveal()) }));
    this.#needsKey ||= apiKeys.length > 0;
  }

  get needsKey(): boolean {
    return this.#needsKey;
  }

  /**
   * @param authorization the header's value
   * @returns the name of the key that was sent, if it is one of ours
   */
  nameOf(authorization: string | undefined): string | undefined {
    const sent = digestOf(BEARER.exec(authorization ?? '')?.[1] ?? '');
    let caller: string | undefined;
    for (const { name, digest } of this.#known) if (timingSafeEqual(digest, sent)) caller = name;
    return caller;
  }
}

/**
 * Lets a caller pass that sends one of the keys, and notes its name.
 *
 * @param refuse answers everybody else; it cannot tell a missing key from a malformed or a wrong one
 */
export function authenticate(callers: Callers, refuse: Handler): Handler {
  return (request, response, next) => {
    const caller = callers.needsKey ? callers.nameOf(request.headers.authorization) : undefined;
    if (callers.needsKey && caller === undefined) {
      refuse(request, response, next);
      return;
    }
    if (response.locals.call) response.locals.call.caller = caller;
    next();
  };
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}
