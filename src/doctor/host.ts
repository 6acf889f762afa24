import type { X509Certificate } from 'node:crypto';
import type { UpstreamHost } from '../config.ts';
import { onOneLine, validityOf } from '../credentials/certificates.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { type Probe, probe } from '../upstream/probe.ts';
import { type Check, failed, passed, skipped, warned } from './check.ts';
import { checkDns, checkTcp } from './network.ts';
import { reasonForDistrust, reasonForHangUp, reasonForRefusal } from './reasons.ts';
import { type Inspection, inspect, type Shown } from './tls.ts';

const DAY_MS = 86_400_000;
const STEPS = ['DNS', 'TCP', 'TLS', 'server certificate', 'our certificate', 'clock'];

/** A clock that is off by more than this brings trouble with certificates that are fresh, and with signed times. */
const CLOCK_WARNED_MS = 30_000;
const CLOCK_FAILED_MS = 300_000;

/**
 * Takes all the steps of a call to a host, up to a harmless request that must be answered.
 *
 * @param credentials absent: something is wrong with ours, and the steps that need them are left out
 * @param timeoutMs for each step
 */
export async function checkHost(
  host: UpstreamHost,
  credentials: Credentials | undefined,
  timeoutMs: number,
): Promise<readonly Check[]> {
  const dns = await checkDns(host, timeoutMs);
  if (dns.state === 'failed') return complete([dns]);
  const tcp = await checkTcp(host, timeoutMs);
  if (tcp.state === 'failed') return complete([dns, tcp]);
  if (credentials === undefined) return complete([dns, tcp], 'it takes a good certificate and key');
  const inspection = await inspect(host, credentials, timeoutMs);
  const tls = tlsChecks(inspection);
  if (inspection.failure !== undefined) return complete([dns, tcp, ...tls]);
  const found = await probe(host, credentials, timeoutMs);
  const ours = acceptance(found, inspection.shown, timeoutMs);
  return complete([dns, tcp, ...tls, ours, ...(found.ok ? [clock(found.clockAheadMs)] : [])]);
}

/** Names the steps that were not taken. */
function complete(checks: readonly Check[], why = 'an earlier step has failed'): readonly Check[] {
  return [...checks, ...STEPS.slice(checks.length).map((step) => skipped(step, why))];
}

function tlsChecks({ shown, failure, durationMs }: Inspection): readonly Check[] {
  const agreed = shown && `${shown.protocol}, ${shown.cipher}, in ${Math.ceil(durationMs)} ms`;
  const server = shown?.certificate && describe(shown.certificate);
  if (failure === undefined) return [passed('TLS', agreed ?? ''), passed('server certificate', server ?? 'none')];
  switch (failure.code) {
    case 'upstream_certificate_invalid':
      return [
        passed('TLS', agreed ?? ''),
        failed('server certificate', reasonForDistrust(failure.cause, shown?.certificate)),
      ];
    case 'client_certificate_rejected':
      return [
        agreed === undefined
          ? skipped('TLS', 'the server refused our certificate before its end')
          : passed('TLS', agreed),
        server === undefined ? skipped('server certificate', 'not judged') : passed('server certificate', server),
        failed('our certificate', reasonForRefusal(failure.cause)),
      ];
    default:
      return [failed('TLS', reasonForHangUp(failure.code, failure.cause))];
  }
}

function describe(certificate: X509Certificate): string {
  const daysLeft = Math.floor((validityOf(certificate).notAfter.getTime() - Date.now()) / DAY_MS);
  return `${onOneLine(certificate.subject)}, issued by ${onOneLine(certificate.issuer)}, ${daysLeft} days left`;
}

/** Whether our certificate was accepted: an HTTP answer proves it, the handshake alone does not. */
function acceptance(found: Probe, shown: Shown | undefined, timeoutMs: number): Check {
  const check = 'our certificate';
  if (found.ok) {
    const answer = `HEAD / was answered with HTTP ${found.status} in ${Math.ceil(found.durationMs)} ms`;
    return shown?.asked === false
      ? warned(check, `${answer}, but the server never asked for a certificate. Is this the right host?`)
      : passed(check, `accepted: ${answer}`);
  }
  switch (found.code) {
    case 'client_certificate_rejected':
      return found.status === undefined
        ? failed(check, reasonForRefusal(found.failure))
        : failed(check, `refused with HTTP ${found.status}. Is it expired, revoked, or for another environment?`);
    case 'upstream_timeout':
      return failed(check, `not refused, but HEAD / was not answered within ${timeoutMs} ms. Ask the provider.`);
    case 'upstream_protocol_error':
      return failed(check, 'not refused, but what answers HEAD / is not HTTP. Check the port in UPSTREAM_HOSTS.');
    default:
      return failed(
        check,
        `the server hung up after the handshake (${found.failure.code ?? found.code}): it probably refuses our ` +
          'certificate. Is it expired, revoked, or for another environment?',
      );
  }
}

function clock(aheadMs: number | undefined): Check {
  if (aheadMs === undefined) return skipped('clock', 'the server has not told its time');
  const offMs = Math.abs(aheadMs);
  if (offMs <= CLOCK_WARNED_MS) return passed('clock', `within ${CLOCK_WARNED_MS / 1000} s of the server's`);
  const where = aheadMs > 0 ? 'ahead of' : 'behind';
  const words = `${Math.round(offMs / 1000)} s ${where} the server's. Set it, by NTP for example.`;
  return offMs > CLOCK_FAILED_MS ? failed('clock', words) : warned('clock', words);
}
