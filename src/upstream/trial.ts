import type { UpstreamHost } from '../config.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { Trial } from '../credentials/store.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { probe } from './probe.ts';

/**
 * What may be the doing of new credentials, or of the host: many servers refuse a certificate by hanging up, and the
 * trust anchors are new too. Where nothing answers, or not in time, they cannot be to blame.
 */
const AMBIGUOUS: readonly ErrorCode[] = ['upstream_handshake_failed', 'upstream_certificate_invalid', 'upstream_reset'];

/**
 * Tries new credentials on the first host before they are used. A refusal keeps them out, and so does a failure that
 * the present ones do not meet. A payment API that is away does not: nobody knows when it will be back.
 */
export async function tryCredentials(
  [host]: readonly UpstreamHost[],
  next: Credentials,
  current: Credentials,
  timeoutMs: number,
): Promise<Trial> {
  if (host === undefined) return { problems: [], warnings: [] };
  const first = await probe(host, next, timeoutMs);
  if (first.ok) return { problems: [], warnings: [] };
  const { code, status } = first;
  if (code === 'client_certificate_rejected') {
    const how = status === undefined ? '' : ` with HTTP ${status}`;
    return kept(`${host.label} refuses the new certificate${how}: is it active yet, and for this environment?`);
  }
  if (AMBIGUOUS.includes(code) && (await probe(host, current, timeoutMs)).ok) {
    return kept(
      code === 'upstream_certificate_invalid'
        ? `${host.label} is not trusted with the new UPSTREAM_CA_B64 or UPSTREAM_CA_FILE, and is with the old one.`
        : `${host.label} hangs up on the new certificate (${code}), and accepts the old one.`,
    );
  }
  const warning = `${host.label}: the new certificate is used untried (${code}). ${ERRORS[code].message}`;
  return { problems: [], warnings: [warning] };
}

function kept(reason: string): Trial {
  return { problems: [`${reason} The old one stays in use; SIGHUP tries again.`], warnings: [] };
}
