import { callRaw, type RawCaller } from '../../support/raw-caller.ts';

/** One answer as it stood on the wire. */
export interface RawAnswer {
  readonly status: number;
  /** By name in lower case; those that stand twice are joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Writes `bytes`, a byte for each character, on a connection of its own; then as {@link hearOut}. */
export async function talk(port: number, bytes: string): Promise<RawAnswer[]> {
  const caller = await callRaw(port);
  caller.socket.write(bytes, 'latin1');
  return hearOut(caller);
}

/**
 * Says nothing more once an answer has come.
 *
 * @returns every answer that came until the service ended the connection
 */
export async function hearOut(caller: RawCaller): Promise<RawAnswer[]> {
  caller.socket.on('data', () => {
    if (parse(caller.text).answers.some(({ status }) => status !== 100)) caller.socket.end();
  });
  return answersIn(await caller.ended);
}

/** The answers that stand one after the other in `text`, those to an `Expect` (100) included. */
export function answersIn(text: string): RawAnswer[] {
  const { answers, rest } = parse(text);
  if (rest !== '') throw new Error(`Not a whole answer: ${JSON.stringify(rest)}`);
  return answers;
}

function parse(text: string): { readonly answers: RawAnswer[]; readonly rest: string } {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest !== '') {
    const headEnd = rest.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = rest.slice(0, Math.max(headEnd, 0)).split('\r\n');
    const headers = headersIn(lines);
    const end = headEnd + 4 + Number(headers['content-length'] ?? 0);
    const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1];
    if (status === undefined || end > rest.length) break;
    answers.push({ status: Number(status), headers, body: rest.slice(headEnd + 4, end) });
    rest = rest.slice(end);
  }
  return { answers, rest };
}

function headersIn(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
