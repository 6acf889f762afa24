/** Random bytes for the service's listener: pipelines of proper requests, and what becomes of them when they are bent. */
import fc from 'fast-check';
import { mutated } from './mutation.ts';
import { properCall, request, SMUGGLED } from './request-cases.ts';
import { split } from './split.ts';

/** What one connection does. */
export interface Stream {
  /** The bytes, in the pieces in which they are sent. */
  readonly writes: readonly Uint8Array[];
  /** Afterwards: wait for the answers and then close; close its own side at once; or reset the connection. */
  readonly ending: 'wait' | 'close' | 'reset';
}

const pipeline = fc
  .oneof(
    { weight: 20, arbitrary: fc.array(request, { minLength: 1, maxLength: 4 }) },
    // More than may listen to one event before Node warns of it.
    { weight: 1, arbitrary: fc.array(properCall, { minLength: 12, maxLength: 16 }) },
  )
  .map((requests): Uint8Array => Buffer.concat(requests));

const TOKENS = [
  ...[
    '\r\n\r\n',
    '\r\n ',
    '\r\n\t',
    ' \r\n',
    'Content-Length: 0\r\n',
    'Content-Length: 7\r\n',
    '\r\nContent-Length : 7',
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: identity\r\n',
    'Transfer-Encoding:\x0bchunked\r\n',
    'chunked',
  ],
  ...['0\r\n\r\n', '0\r\nX: 1\r\n\r\n', 'ffffffffffffffff', '+', '0x', ';', '=', ' HTTP/1.1', 'Host: p\r\n', SMUGGLED],
  ...['\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 'PROXY TCP4 192.0.2.1 192.0.2.2 9 10\r\n', 'Connection: close\r\n'],
  ...['Expect: 100-continue\r\n'],
];

const bytes = fc.oneof(
  { weight: 3, arbitrary: pipeline },
  { weight: 12, arbitrary: mutated(pipeline, TOKENS) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 60 }) },
);

/** What one connection may do to the listener. */
export const stream: fc.Arbitrary<Stream> = fc
  .tuple(
    bytes,
    fc.array(fc.nat(9_999), { maxLength: 3 }),
    fc.oneof(
      { weight: 8, arbitrary: fc.constant('wait' as const) },
      { weight: 1, arbitrary: fc.constantFrom('close' as const, 'reset' as const) },
    ),
  )
  .map(([all, cuts, ending]) => ({ writes: split(all, cuts), ending }));
