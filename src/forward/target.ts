import type { AllowedPath, UpstreamHost } from '../config.ts';
import { ProxyError } from '../errors.ts';
import type { Envelope } from './envelope.ts';
import { isAllowedPath } from './path.ts';

/** Where one call goes. Host and path stay apart: joined to a URL, the path could change the host. */
export interface Target {
  readonly host: UpstreamHost;
  /** Origin-form, exactly as the caller gave it. */
  readonly path: string;
}

/**
 * Decides where a call goes: to one of the listed hosts, or nowhere. No name is parsed, resolved or normalised, so there
 * is no second reading of it that a caller could aim at.
 *
 * @param hosts UPSTREAM_HOSTS; the first is the default
 * @param allowedPaths ALLOWED_PATHS; the prefix `/` allows every path, an empty list none
 * @throws ProxyError `host_not_allowed` or `path_not_allowed`
 */
export function resolveTarget(
  envelope: Envelope,
  hosts: readonly UpstreamHost[],
  allowedPaths: readonly AllowedPath[],
): Target {
  const { method, path, hostname } = envelope;
  const host = hostname === undefined ? hosts[0] : hosts.find(({ label }) => equalsIgnoringAsciiCase(label, hostname));
  if (host === undefined) throw new ProxyError('host_not_allowed');
  if (!isAllowedPath(method, path, allowedPaths)) {
    throw new ProxyError('path_not_allowed');
  }
  return { host, path };
}

/** Not `toLowerCase`, which turns letters beyond ASCII into ASCII ones: U+212A (Kelvin) into "k". */
function equalsIgnoringAsciiCase(a: string, b: string): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (asciiLower(a.charCodeAt(index)) !== asciiLower(b.charCodeAt(index))) return false;
  }
  return true;
}

function asciiLower(char: number): number {
  return char >= 0x41 && char <= 0x5a ? char + 0x20 : char;
}
