import type { X509Certificate } from 'node:crypto';
import { onOneLine, validityOf } from '../credentials/certificates.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { Failure } from '../upstream/failure.ts';

/** Why a step failed and what to do, in plain words, from the errors of Node and OpenSSL. */

const SAY_WHICH_CA =
  'If the provider has a private CA, set UPSTREAM_CA_B64 or UPSTREAM_CA_FILE to it; else something between here and the ' +
  'provider may be reading along.';

/** Why we do not trust a server, by OpenSSL's X509_V_ERR_* and Node's own code for a wrong name. */
const DISTRUST: Readonly<Record<string, (certificate: X509Certificate) => string>> = {
  CERT_HAS_EXPIRED: (certificate) =>
    `it, or one that leads to it, has ended; its own end is ${day(validityOf(certificate).notAfter)}. The provider must ` +
    `renew it, unless this machine's clock is wrong: it says ${day(new Date())}.`,
  CERT_NOT_YET_VALID: (certificate) =>
    `it, or one that leads to it, is not valid yet; its own begin is ${day(validityOf(certificate).notBefore)}. This ` +
    `machine's clock may be wrong: it says ${day(new Date())}.`,
  ERR_TLS_CERT_ALTNAME_INVALID: ({ subjectAltName = 'no name' }) =>
    `it is for ${subjectAltName.replaceAll('DNS:', '').replaceAll('IP Address:', '')}. Check the host in UPSTREAM_HOSTS.`,
  DEPTH_ZERO_SELF_SIGNED_CERT: () => `it is signed by itself. ${SAY_WHICH_CA}`,
  SELF_SIGNED_CERT_IN_CHAIN: ({ issuer }) => `its CA is not trusted here (${onOneLine(issuer)}). ${SAY_WHICH_CA}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ({ issuer }) =>
    `its issuer is not known here (${onOneLine(issuer)}). ${SAY_WHICH_CA}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ({ issuer }) =>
    `its issuer is not known here (${onOneLine(issuer)}), or the server leaves out an intermediate. ${SAY_WHICH_CA}`,
};

/** The alerts about a client certificate (RFC 8446 §6.2), in the words of OpenSSL's errors. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/unknown[ _]ca|alert number 48/i, 'it does not know the CA that issued it. Is it for this environment?'],
  [/certificate[ _]expired|alert number 45/i, 'it finds it expired. Renew it, or check the clocks.'],
  [/certificate[ _]revoked|alert number 44/i, 'it finds it revoked. Ask the provider for a new one.'],
  [
    /certificate[ _]required|alert number 116/i,
    'it asks for one and takes none of ours. Ask the provider which it takes.',
  ],
  [/access[ _]denied|alert number 49/i, 'it knows it and denies access. Is it active for this API?'],
];

const HANG_UPS: readonly (readonly [RegExp, string])[] = [
  [
    /wrong[ _]version[ _]number|packet[ _]length[ _]too[ _]long|unexpected[ _]message|http[ _]request/i,
    'what listens there does not speak TLS. Check the port in UPSTREAM_HOSTS.',
  ],
  [
    /protocol[ _]version|unsupported[ _]protocol|version[ _]too[ _]low/i,
    'no TLS version is common to both sides: it takes TLS 1.2 or 1.3. Check the host; the provider must upgrade.',
  ],
  [
    /handshake[ _]failure|no[ _]shared[ _]cipher/i,
    'the server broke the handshake off: it refuses our certificate, or shares no cipher with us. Ask the provider.',
  ],
];

/** Why a server is not trusted. */
export function reasonForDistrust({ code = '' }: Failure, certificate: X509Certificate | undefined): string {
  const known = certificate && DISTRUST[code]?.(certificate);
  return known === undefined ? `${ERRORS.upstream_certificate_invalid.message} (${code})` : `not trusted: ${known}`;
}

/** Why a server refuses our certificate. */
export function reasonForRefusal(failure: Failure): string {
  const text = `${failure.code} ${failure.message}`;
  const known = REFUSALS.find(([words]) => words.test(text))?.[1];
  return `refused: ${known ?? 'the server does not say why. Is it revoked, or for another environment?'}`;
}

/** Why a handshake came to no end. */
export function reasonForHangUp(code: ErrorCode, failure: Failure): string {
  const text = `${failure.code} ${failure.message}`;
  const known = HANG_UPS.find(([words]) => words.test(text))?.[1];
  if (known !== undefined) return known;
  if (code === 'upstream_connect_timeout') return 'no end of the handshake in time. Is this the right port?';
  if (code !== 'upstream_handshake_failed') return `${ERRORS[code].message} (${failure.code ?? code})`;
  return (
    `the server hung up during the handshake${failure.code ? ` (${failure.code})` : ''}. It may refuse our certificate, ` +
    "or this machine's address: ask the provider whether it must be on a list."
  );
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
