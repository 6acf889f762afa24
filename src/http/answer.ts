import type { Outcome } from '../errors.ts';
import { PHASES, type PhasesMs } from '../upstream/trace.ts';
import type { Reply } from './call.ts';

/** This service's name in `Proxy-Status` (RFC 9209 §2). */
const PROXY_NAME = 'toss-mtls-proxy';

/** The names of the headers by which this service speaks about a call; browsers may read them. */
export const OUR_HEADERS = ['X-Request-Id', 'Proxy-Outcome', 'Proxy-Status', 'Server-Timing'] as const;

interface Said {
  readonly requestId: string;
  readonly outcome: Outcome;
  /** The status that came from upstream, if one came. */
  readonly receivedStatus?: number | undefined;
  /** The error type of RFC 9209 §2.3, if the call failed. */
  readonly errorType?: string | undefined;
  readonly timing?: string | undefined;
}

/** What this service says about a call, as a flat array of names and values. */
export function ourHeaders({ requestId, outcome, receivedStatus, errorType, timing }: Said): string[] {
  let proxyStatus: string = PROXY_NAME;
  if (receivedStatus !== undefined) proxyStatus += `; received-status=${receivedStatus}`;
  if (errorType !== undefined) proxyStatus += `; error=${errorType}`;
  const headers = ['X-Request-Id', requestId, 'Proxy-Outcome', outcome, 'Proxy-Status', proxyStatus];
  if (timing !== undefined && timing !== '') headers.push('Server-Timing', timing);
  return headers;
}

/**
 * The value of `Server-Timing` (W3C Server Timing §3): each phase that the call went through, and their total if it is
 * known, in milliseconds with three decimals.
 */
export function serverTiming(phasesMs: PhasesMs, totalMs: number | undefined): string {
  let text = '';
  for (const phase of PHASES) {
    const ms = phasesMs[phase];
    if (ms !== undefined) text += `${phase};dur=${rounded(ms)}, `;
  }
  return totalMs === undefined ? text.slice(0, -2) : `${text}total;dur=${rounded(totalMs)}`;
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/**
 * Writes the head of an answer together with what was said before, by the checks of a call (rate limit) or by middleware
 * (CORS). That replaces what came from upstream under the same name; only `Vary` is of both. Given an array beside
 * headers that have been set, Node 20 would lose all but the last of several `Set-Cookie`.
 *
 * @param headers names and values in turn
 */
export function writeHead(response: Reply, status: number, headers: string[]): void {
  const said = response.locals.call?.headers ?? [];
  const all = said.length === 0 ? headers : [...without(headers, said), ...said];
  const alreadySet = response.getHeaderNames();
  if (alreadySet.length === 0) {
    response.writeHead(status, all);
    return;
  }
  const added = new Map<string, { name: string; values: string[] }>();
  for (let at = 0; at < all.length; at += 2) {
    const name = all[at] ?? '';
    const key = name.toLowerCase();
    if (alreadySet.includes(key) && key !== 'vary') continue;
    const entry = added.get(key) ?? { name, values: [] };
    entry.values.push(all[at + 1] ?? '');
    added.set(key, entry);
  }
  for (const { name, values } of added.values()) response.appendHeader(name, values);
  response.writeHead(status);
}

/** The headers whose names are not among those of `others`. */
function without(headers: readonly string[], others: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (!isAmong(others, name)) kept.push(name, headers[at + 1] ?? '');
  }
  return kept;
}

/** Compares lengths first, so that hardly any name is turned to lower case for it. */
function isAmong(headers: readonly string[], name: string): boolean {
  for (let at = 0; at < headers.length; at += 2) {
    const other = headers[at] ?? '';
    if (other.length === name.length && other.toLowerCase() === name.toLowerCase()) return true;
  }
  return false;
}
