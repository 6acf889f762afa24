import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { z } from 'zod';
import { list, refuseRepeated } from './setting-types.ts';

const DEFAULT_PORT = 443;

/** Letters, digits and inner hyphens, at most 63 of them (RFC 1123 §2.1, RFC 5890 §2.3.1). */
const LDH_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What resolvers and URL parsers read as a piece of an IPv4 address: `127.1`, `0x7f.1`, `2130706433`. */
const NUMERIC_LABEL = /^(?:\d+|0x[0-9a-f]*)$/;

const entry = z.string().transform((text, context) => {
  const label = text.toLowerCase();
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (label === '') return refuse('is empty. Remove the comma too many.');
  if (label.includes('://')) return refuse('has a scheme. Write "host" or "host:port" only.');
  if (label.includes('@')) return refuse('has user information. Write "host" or "host:port" only.');
  if (/[/?#\\]/.test(label)) return refuse('has a path. Write "host" or "host:port" only.');
  if (isIPv6(label)) return refuse('is an IPv6 address without brackets. Write "[address]" or "[address]:port".');

  const { host, portText } = split(label);
  const port = portText === undefined ? DEFAULT_PORT : /^[1-9]\d{0,4}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65_535) return refuse('has a bad port. Write a number from 1 to 65535 after the colon.');
  const fault = hostFault(host);
  if (fault !== undefined) return refuse(fault);

  const hostname = host.startsWith('[') ? host.slice(1, -1) : host;
  return { label, hostname, port, authority: port === DEFAULT_PORT ? host : `${host}:${port}` };
});

/** `UPSTREAM_HOSTS`: at least one host, each `host` or `host:port`, no two of them the same place. */
export function upstreamHosts() {
  return list(entry).superRefine(
    refuseRepeated(({ hostname, port }) => `${canonical(hostname)} ${port}`, 'names a host a second time. Remove it.'),
  );
}

/** Cuts at the colon behind the host; an IPv6 address has its own colons inside brackets. */
function split(label: string): { readonly host: string; readonly portText: string | undefined } {
  const [, host = label, portText] = /^(\[[^\]]*\]|[^[:]*):(.*)$/.exec(label) ?? [];
  return { host, portText };
}

function hostFault(host: string): string | undefined {
  if (host.startsWith('[')) {
    const address = host.slice(1, -1);
    return host.endsWith(']') && isIPv6(address) && !address.includes('%')
      ? undefined
      : 'has no proper IPv6 address in its brackets. Mend it.';
  }
  if (isIPv4(host)) return undefined;
  if (host.endsWith('.')) return 'ends in a dot. Remove it.';
  const labels = host.split('.');
  if (NUMERIC_LABEL.test(labels.at(-1) ?? '')) {
    return 'is neither a name nor a plain IPv4 address. Write four decimal numbers without leading zeros.';
  }
  return host.length <= 253 && labels.every((label) => LDH_LABEL.test(label))
    ? undefined
    : 'is not a DNS name. Letters, digits, hyphens and dots may stand in it; write other scripts as punycode (xn--).';
}

/** One spelling for each address, so that `[::1]` and `[0:0::1]` count as the same. */
function canonical(hostname: string): string {
  return isIPv6(hostname) ? new SocketAddress({ address: hostname, family: 'ipv6' }).address : hostname;
}
