import type { ErrorCode } from '../../src/errors.ts';
import type { Random } from './random.ts';

/** A header as the envelope has it, and the value that must reach the payment API; none if it must not. */
interface PlannedHeader {
  readonly name: string;
  readonly json: string;
  readonly value: string | undefined;
}

interface Fields {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly PlannedHeader[];
  /** The body as it stands in the envelope. */
  readonly json: string | undefined;
  readonly timeoutMs: number | undefined;
}

const HEADERS: readonly PlannedHeader[] = [
  { name: 'Authorization', json: '"Bearer not-a-secret"', value: 'Bearer not-a-secret' },
  { name: 'x-toss-user-key', json: '443731104.0', value: '443731104.0' },
  { name: 'X-Flag', json: 'true', value: 'true' },
  { name: 'X-Latin', json: '"caf\\u00e9"', value: 'café' },
  { name: 'content-type', json: '"text/plain;charset=euc-kr"', value: 'text/plain;charset=euc-kr' },
  { name: 'Accept-Encoding', json: '"gzip, br"', value: 'gzip, br' },
  { name: 'X-Empty', json: '""', value: '' },
  { name: 'Connection', json: '"close"', value: undefined },
  { name: 'Transfer-Encoding', json: '"chunked"', value: undefined },
  { name: 'Content_Length', json: '3', value: undefined },
  { name: 'Expect', json: '"100-continue"', value: undefined },
  { name: 'HOST', json: '"evil.example"', value: undefined },
];

const PATHS = [
  'pay',
  'api-partner/v1/apps-in-toss/pay/execute-payment',
  "a%20b;v=1/~!$&'()*+,=:@",
  `${'long/'.repeat(800)}end`,
  '...',
];
const QUERIES = ['', '', '?', '?amount=15000.00&amount=2', '?next=https%3A%2F%2Fexample.com/../x', '?a=b?c=/./'];

interface Refusal {
  readonly code: ErrorCode;
  /** Spoils the members of the envelope, each a name and its JSON. */
  readonly spoil?: (members: [name: string, json: string][]) => void;
}

/** Calls that the service must refuse before it looks for a connection. */
export const REFUSALS = {
  'no key': { code: 'unauthorized' },
  'an unknown field': { code: 'invalid_request', spoil: (members) => members.push(['hostName', '"localhost"']) },
  'a field twice': { code: 'invalid_request', spoil: (members) => members.push(['method', '"GET"']) },
  'no path': { code: 'invalid_request', spoil: (members) => removeFrom(members, 'path') },
  'not JSON': { code: 'invalid_json', spoil: (members) => members.push(['timeoutMs', '1.']) },
  'another host': {
    code: 'host_not_allowed',
    spoil: (members) => {
      removeFrom(members, 'hostname');
      members.push(['hostname', '"elsewhere.example"']);
    },
  },
} as const satisfies Record<string, Refusal>;

export type RefusalName = keyof typeof REFUSALS;

export function planHeaders(random: Random): PlannedHeader[] {
  return random.shuffled(HEADERS).slice(0, random.between(0, 5));
}

/** Without a leading slash. */
export function planPath(random: Random): string {
  return random.pick(PATHS) + random.pick(QUERIES);
}

/** The bytes that a caller posts. */
export function envelopeOf(fields: Fields, refusal: RefusalName | undefined, random: Random): Buffer {
  const { host, method, path, headers, json, timeoutMs } = fields;
  const members: [name: string, json: string][] = [
    ['method', JSON.stringify(random.chance(0.2) ? method.toLowerCase() : method)],
    ['path', JSON.stringify(path)],
    ['hostname', JSON.stringify(host)],
    ['headers', `{${headers.map(({ name, json: value }) => `${JSON.stringify(name)}:${value}`).join(',')}}`],
  ];
  if (json !== undefined) members.push(['body', json]);
  if (timeoutMs !== undefined) members.push(['timeoutMs', String(timeoutMs)]);
  if (refusal !== undefined) {
    const row: Refusal = REFUSALS[refusal];
    row.spoil?.(members);
  }
  const separator = random.pick([',', ', ', ',\n  ']);
  const text = random.shuffled(members).map(([name, value]) => `"${name}":${value}`);
  return Buffer.from(`{${text.join(separator)}}`);
}

function removeFrom(members: [name: string, json: string][], name: string): void {
  members.splice(
    members.findIndex(([other]) => other === name),
    1,
  );
}
