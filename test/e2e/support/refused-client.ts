import { type Authority, createAuthority, type KeyPair } from '../../../scripts/pki.ts';

const DAY_MS = 86_400_000;

/** What a server may find wrong with our certificate. That there is none cannot be: the service does not start then. */
export type Fault = 'unknown CA' | 'expired';
export const FAULTS: readonly Fault[] = ['unknown CA', 'expired'];

/** A CA that was there when a certificate that has expired by now was issued. */
export function createOldAuthority(): Promise<Authority> {
  return createAuthority({ notBefore: new Date(Date.now() - 30 * DAY_MS) });
}

/**
 * A client certificate with this fault, in the eyes of a server that trusts `authority` alone.
 *
 * @param authority one of {@link createOldAuthority}
 * @returns options for `startProxy`: with an expired certificate the service starts only if its clock is behind
 */
export async function refusedClient(
  authority: Authority,
  fault: Fault,
): Promise<{ readonly client: KeyPair; readonly clockBehindDays: number }> {
  if (fault === 'unknown CA') {
    const other = await createAuthority({ commonName: 'Another CA' });
    return { client: await other.issue(), clockBehindDays: 0 };
  }
  const nowMs = Date.now();
  const validity = { notBefore: new Date(nowMs - 20 * DAY_MS), notAfter: new Date(nowMs - DAY_MS) };
  return { client: await authority.issue(validity), clockBehindDays: 10 };
}
