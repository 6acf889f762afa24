/**
 * What must become of an envelope, read from the contract (design §1) a second time and by other means than the service
 * uses: the two must always agree. Slow and plain on purpose.
 */
import type { ErrorCode } from '../../src/errors.ts';
import { kindOf, membersOf, stringOf } from './json-tokens.ts';

export type Verdict =
  | { readonly refused: ErrorCode }
  | { readonly host: string; readonly wire: Buffer; readonly timeoutMs: number | undefined };

/** Whether a call sets itself a deadline so short that nobody can foretell what comes of it. */
export function racesTheClock(verdict: Verdict): boolean {
  return 'wire' in verdict && verdict.timeoutMs !== undefined && verdict.timeoutMs < SAFE_TIMEOUT_MS;
}

const SAFE_TIMEOUT_MS = 15_000;

const FIELDS = ['method', 'path', 'hostname', 'headers', 'body', 'timeoutMs'];
const DROPPED = /^(host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*)$/;

class Refusal extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

/** @param hosts UPSTREAM_HOSTS in lower case, none with port 443 written out */
export function judge(envelope: Uint8Array, hosts: readonly string[]): Verdict {
  try {
    return read(envelope, hosts);
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.code };
    throw error;
  }
}

function read(envelope: Uint8Array, hosts: readonly string[]): Verdict {
  const text = textOf(envelope);
  need(kindOf(text) === 'object');
  const fields = new Map<string, string>();
  for (const [name, value] of membersOf(text)) {
    need(FIELDS.includes(name) && !fields.has(name));
    fields.set(name, value);
  }
  for (const [name, value] of fields) if (kindOf(value) === 'null') fields.delete(name);

  const method = stringIn(fields.get('method'));
  need(/^(get|head|post|put|patch|delete)$/i.test(method));
  const path = stringIn(fields.get('path'));
  need(isProperPath(path));
  const hostname = fields.has('hostname') ? stringIn(fields.get('hostname')) : hosts[0];
  const headers = headersOf(fields.get('headers') ?? '{}');
  const body = bodyOf(fields.get('body') ?? 'null');
  need(body === undefined || !/^(get|head)$/i.test(method));
  const timeout = fields.get('timeoutMs');
  const timeoutMs = timeout === undefined ? undefined : Number(JSON.parse(timeout));
  need(timeoutMs === undefined || (kindOf(timeout ?? '') === 'number' && timeoutMs >= 1 && timeoutMs % 1 === 0));

  const host = hosts.find((listed) => listed === hostname?.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()));
  if (host === undefined) throw new Refusal('host_not_allowed');
  return { host, wire: wireOf(method.toUpperCase(), path, host, headers, body), timeoutMs };
}

function textOf(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    throw new Refusal('invalid_json');
  }
}

function isProperPath(path: string): boolean {
  const [bare = ''] = path.split('?');
  const segments = bare.replaceAll(/%2e/gi, '.').split(/[/;]|%2f|%5c|%3b/i);
  return (
    path.length <= 8192 &&
    /^\/(?!\/)[\x21-\x7e]*$/.test(path) &&
    !/[#\\]/.test(path) &&
    !segments.some((segment) => segment === '.' || segment === '..')
  );
}

function headersOf(text: string): readonly (readonly [string, string])[] {
  need(kindOf(text) === 'object');
  const members = membersOf(text);
  need(members.length <= 256);
  return members.map(([name, value], index) => {
    need(name !== '' && /^[\w!#$%&'*+.^`|~-]+$/.test(name));
    need(members.findIndex(([other]) => other.toLowerCase() === name.toLowerCase()) === index);
    need(['string', 'number', 'boolean'].includes(kindOf(value)));
    const sent = kindOf(value) === 'string' ? stringOf(value) : value;
    for (const char of sent) need(char === '\t' || (char >= ' ' && char <= '\xff' && char !== '\x7f'));
    return [name, sent] as const;
  });
}

function bodyOf(text: string): Buffer | undefined {
  const kind = kindOf(text);
  if (kind === 'null' || (kind === 'object' && membersOf(text).length === 0)) return undefined;
  if (kind === 'object' || kind === 'array') return Buffer.from(text);
  const sent = Buffer.from(stringIn(text));
  need(sent.toString() === stringIn(text));
  return sent.length === 0 ? undefined : sent;
}

function wireOf(
  method: string,
  path: string,
  host: string,
  headers: readonly (readonly [string, string])[],
  body: Buffer | undefined,
): Buffer {
  const canonical = (name: string) => name.toLowerCase().replaceAll('_', '-');
  const connection = headers.find(([name]) => name.toLowerCase() === 'connection')?.[1] ?? '';
  const named = connection.split(',').map((option) => canonical(option.replaceAll(/^[ \t]+|[ \t]+$/g, '')));
  const passed = headers.filter(([name]) => !DROPPED.test(canonical(name)) && !named.includes(canonical(name)));
  const lines = [['Host', host], ...passed];
  if (body && !passed.some(([name]) => name.toLowerCase() === 'content-type')) {
    lines.push(['Content-Type', 'application/json']);
  }
  if (body || /^P/.test(method)) lines.push(['Content-Length', String(body?.length ?? 0)]);
  const head = [`${method} ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)]);
}

function stringIn(text: string | undefined): string {
  need(text !== undefined && kindOf(text) === 'string');
  return stringOf(text ?? '');
}

function need(condition: boolean): void {
  if (!condition) throw new Refusal('invalid_request');
}
