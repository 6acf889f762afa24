import { X509Certificate } from 'node:crypto';
import { faulty, type Judgement } from './judgement.ts';
import { type PemBlock, pemBlocks } from './pem.ts';

/** Extended key usages that let a certificate speak for a client (RFC 5280 §4.2.1.12): client, any. */
const CLIENT_USAGES = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];

/**
 * Reads a client certificate and the intermediates behind it. Their dates and their order are judged apart.
 *
 * @param pem what stands in it besides certificates is left alone
 */
export function readChain(pem: string): Judgement<readonly X509Certificate[]> {
  const parsed = parseCertificates(pem);
  return parsed.value === undefined
    ? parsed
    : { ...parsed, warnings: parsed.value.slice(0, 1).flatMap(warningsOfUsage) };
}

/** Each certificate of a chain must be valid now. */
export function dateFaults(chain: readonly X509Certificate[], now: Date): readonly string[] {
  return chain.flatMap((certificate, index) =>
    faultsOfDates(certificate, now).map((fault) => `certificate ${index + 1} of ${chain.length} ${fault}`),
  );
}

/** Judges trust anchors. Many a bundle keeps old ones: that is a fault only if none is valid now. */
export function judgeAnchors(pem: string, now: Date): Judgement<readonly X509Certificate[]> {
  const parsed = parseCertificates(pem);
  if (parsed.value === undefined) return parsed;
  const perAnchor = parsed.value.map((certificate) => faultsOfDates(certificate, now));
  const said = perAnchor.flatMap((faults, index) =>
    faults.map((fault) => `CA certificate ${index + 1} of ${perAnchor.length} ${fault}`),
  );
  return perAnchor.some((faults) => faults.length === 0)
    ? { value: parsed.value, faults: [], warnings: said }
    : { value: parsed.value, faults: said, warnings: [] };
}

/** The two ends of a certificate's life, both inclusive (RFC 5280 §4.1.2.5). */
export function validityOf(certificate: X509Certificate): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(certificate.validFrom), notAfter: new Date(certificate.validTo) };
}

/** X509Certificate puts each attribute of a name on its own line. */
export function onOneLine(distinguishedName: string): string {
  return distinguishedName.split('\n').join(', ');
}

function parseCertificates(pem: string): Judgement<readonly X509Certificate[]> {
  const blocks = pemBlocks(pem);
  const certificateBlocks = blocks.filter(({ label }) => label === 'CERTIFICATE');
  if (certificateBlocks.length === 0) return faulty(faultOfKind(blocks));
  const certificates: X509Certificate[] = [];
  const faults: string[] = [];
  for (const [index, { text }] of certificateBlocks.entries()) {
    try {
      certificates.push(new X509Certificate(text));
    } catch {
      faults.push(`certificate ${index + 1} of ${certificateBlocks.length} is damaged. Copy it again from its source.`);
    }
  }
  return faults.length > 0 ? faulty(...faults) : { value: certificates, ...faulty() };
}

function faultOfKind(blocks: readonly PemBlock[]): string {
  if (blocks.some(({ label }) => label.endsWith('PRIVATE KEY'))) {
    return 'this holds a private key, but a certificate belongs here. Put the certificate here.';
  }
  if (blocks.some(({ label }) => label.endsWith('CERTIFICATE REQUEST'))) {
    return 'this holds a certificate request. Put the certificate here that was issued for it.';
  }
  return 'this holds no certificate. Put a PEM here that begins with "-----BEGIN CERTIFICATE-----".';
}

function faultsOfDates(certificate: X509Certificate, now: Date): readonly string[] {
  const { notBefore, notAfter } = validityOf(certificate);
  if (now > notAfter) return [`expired on ${utcDay(notAfter)}. Put a new one here.`];
  if (now < notBefore) return [`is not valid before ${utcDay(notBefore)}. Wait, or set this machine's clock.`];
  return [];
}

function utcDay(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function warningsOfUsage(certificate: X509Certificate): readonly string[] {
  const usages: readonly string[] | undefined = certificate.keyUsage;
  return usages === undefined || usages.some((usage) => CLIENT_USAGES.includes(usage))
    ? []
    : ['this certificate is not meant for clients (extended key usage). The payment API may refuse it.'];
}

/** Leaf first, each issued by the next (RFC 5246 §7.4.2; RFC 8446 §4.4.2 asks less, but not every server does). */
export function orderFaults(certificates: readonly X509Certificate[]): readonly string[] {
  const gaps = certificates.flatMap((certificate, index) => {
    const next = certificates[index + 1];
    return next === undefined || isIssuedBy(certificate, next) ? [] : [index + 1];
  });
  if (gaps.length === 0) return [];
  const order = properOrder(certificates);
  return order === undefined
    ? gaps.map(
        (place) =>
          `certificate ${place + 1} of ${certificates.length} did not issue certificate ${place}. Put the issuer ` +
          'there, or remove what does not belong to the chain.',
      )
    : [`the chain is out of order. Put its certificates in this order: ${order.map((index) => index + 1).join(', ')}.`];
}

/** The order in which the certificates form one chain, if there is one. */
function properOrder(certificates: readonly X509Certificate[]): readonly number[] | undefined {
  const issuers = certificates.map((certificate) =>
    certificates.findIndex((other) => other !== certificate && isIssuedBy(certificate, other)),
  );
  return issuers
    .map((_, start) => {
      const order: number[] = [];
      for (let at: number | undefined = start; at !== undefined && at >= 0 && !order.includes(at); at = issuers[at]) {
        order.push(at);
      }
      return order;
    })
    .find((order) => order.length === certificates.length);
}

/** By name and key identifier, and by signature. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
