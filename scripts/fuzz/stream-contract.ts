/** What must, and what may, come of a connection's bytes (design §1); pure. */
import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/errors.ts';
import type { IsHead } from './answers.ts';
import { judge } from './contract.ts';
import type { Recorded } from './recording-upstream.ts';
import type { Stream } from './stream-cases.ts';
import { readRequests, type StrictReading, type StrictRequest } from './strict-requests.ts';
import { API_KEY, HOSTS } from './world.ts';

const PLAIN_HEADERS =
  /^(host|authorization|content-type|content-length|transfer-encoding|x-request-id|x-forwarded-for)$/;

/** A request that the payment API may read, once. */
export interface Possible {
  readonly wire: string;
  /** Its caller did not wait for the answer, so it may still come when that one is long gone. */
  readonly wasLeft: boolean;
}

/** The requests that each reader of these bytes must find. */
export function certainRequests({ writes }: Stream): StrictReading {
  return readRequests(Buffer.concat(writes), 'strict');
}

/** All requests that a reader may find who is as lax as can be borne. */
export function possibleRequests({ writes }: Stream): readonly StrictRequest[] {
  return readRequests(Buffer.concat(writes), 'lax').requests;
}

export function isHeadIn({ requests }: StrictReading): IsHead {
  return (index) => (index < requests.length ? requests[index]?.method === 'HEAD' : undefined);
}

/** What must come of a request that leaves nothing to argue about; undefined of any other. */
export function dueTo(request: StrictRequest | undefined): 'forwarded' | ErrorCode | undefined {
  if (request === undefined) return undefined;
  const { method, target, version, headers, body } = request;
  const line = `${method} ${target} ${version} ${headers.get('authorization')} ${headers.get('content-type')}`;
  const isPlain =
    line === `POST /proxy 1.1 Bearer ${API_KEY} application/json` &&
    headers.get('host')?.length === 1 &&
    [...headers.keys()].every((name) => PLAIN_HEADERS.test(name));
  if (!isPlain) return undefined;
  const verdict = judge(body, HOSTS);
  return 'refused' in verdict ? verdict.refused : 'forwarded';
}

/** What a request may make us send to the payment API; undefined if nothing. */
export function wireOf({ method, version, headers, body }: StrictRequest): string | undefined {
  const [authorization = ''] = headers.get('authorization') ?? [];
  const isLetIn = authorization.replace(/^bearer +/i, '') === API_KEY;
  if (method !== 'POST' || !version.startsWith('1.') || !isLetIn) return undefined;
  const verdict = judge(body, HOSTS);
  return 'wire' in verdict ? verdict.wire.toString('latin1') : undefined;
}

/** All that the payment API may read because of a stream. */
export function possibleOf(stream: Stream): Possible[] {
  return possibleRequests(stream).flatMap((request) => {
    const wire = wireOf(request);
    return wire === undefined ? [] : [{ wire, wasLeft: stream.ending !== 'wait' }];
  });
}

/**
 * Strikes off what the payment API has read.
 *
 * @throws AssertionError if it has read what nobody asked for, or something twice
 */
export function without(possible: readonly Possible[], read: readonly Recorded[]): Possible[] {
  const left = [...possible];
  for (const { wire } of read) {
    const text = wire.toString('latin1');
    const at = left.findIndex((one) => one.wire === text);
    assert(at !== -1, `the payment API has read what no caller has properly asked for: ${text}`);
    left.splice(at, 1);
  }
  return left;
}
