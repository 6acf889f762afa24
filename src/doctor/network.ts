import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import type { UpstreamHost } from '../config.ts';
import { ERRORS } from '../errors.ts';
import { failureCode } from '../upstream/failure.ts';
import { type Check, failed, passed } from './check.ts';

/** What an error code means here, and what to do. */
type Meaning = readonly [reason: string, remedy: string];

const FIREWALL = 'A firewall or a security group may be in the way: allow outgoing TCP to this port.';
const NO_NAME_SERVER: Meaning = ['no name server answers', "Check this machine's network and its DNS settings."];

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: ['there is no such name', 'Check its spelling in UPSTREAM_HOSTS.'],
  EAI_AGAIN: NO_NAME_SERVER,
  ECONNREFUSED: ['nothing listens on this port there', 'Check the host and the port in UPSTREAM_HOSTS.'],
  EHOSTUNREACH: ['there is no route to it', FIREWALL],
  ENETUNREACH: ['its network is out of reach', "Check this machine's network and its routes."],
  EMFILE: ['this machine grants no more connections', 'Raise the limit of open files (ulimit -n).'],
  ETIMEDOUT: ['it does not answer', FIREWALL],
};

/** Whether the host's name leads to addresses. */
export async function checkDns({ hostname }: UpstreamHost, timeoutMs: number): Promise<Check> {
  if (isIP(hostname) !== 0) return passed('DNS', 'this is an address, not a name');
  const startedAtMs = performance.now();
  try {
    const found = await within(timeoutMs, lookup(hostname, { all: true }));
    if (found === 'too late') return failed('DNS', inTime(NO_NAME_SERVER, timeoutMs));
    const addresses = found.map(({ address }) => address).join(', ');
    return passed('DNS', `${addresses}, in ${since(startedAtMs)} ms`);
  } catch (error) {
    return failed('DNS', explain(error, 'dns'));
  }
}

/** Whether one of the host's addresses accepts a connection. */
export async function checkTcp({ hostname, port }: UpstreamHost, timeoutMs: number): Promise<Check> {
  const startedAtMs = performance.now();
  const socket = connect({ host: hostname, port });
  try {
    const found = await within(timeoutMs, once(socket, 'connect'));
    if (found === 'too late') return failed('TCP', inTime(['it does not answer', FIREWALL], timeoutMs));
    return passed('TCP', `connected to ${socket.remoteAddress} in ${since(startedAtMs)} ms`);
  } catch (error) {
    return failed('TCP', explain(error, 'tcp'));
  } finally {
    socket.destroy();
  }
}

function inTime([reason, remedy]: Meaning, timeoutMs: number): string {
  return `${reason} within ${timeoutMs} ms. ${remedy}`;
}

function explain(error: unknown, phase: 'dns' | 'tcp'): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no error code';
  const meaning = MEANINGS[code];
  if (meaning === undefined) return `${ERRORS[failureCode(phase, { code })].message} (${code})`;
  return `${meaning[0]} (${code}). ${meaning[1]}`;
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T | 'too late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'too late'>((resolve) => {
    timer = setTimeout(() => resolve('too late'), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function since(startedAtMs: number): number {
  return Math.ceil(performance.now() - startedAtMs);
}
