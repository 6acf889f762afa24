import { expect, test } from 'vitest';
import { parseTraceparent } from '../../src/http/traceparent.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';

test('a proper traceparent tells trace, span and whether it is sampled', () => {
  const parent = { traceId: TRACE_ID, spanId: SPAN_ID };
  expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-01`)).toEqual({ ...parent, sampled: true });
  expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-00`)).toEqual({ ...parent, sampled: false });
  expect(parseTraceparent(`cc-${TRACE_ID}-${SPAN_ID}-03-what-comes-later`)).toEqual({ ...parent, sampled: true });
});

test.each([
  undefined,
  '',
  `ff-${TRACE_ID}-${SPAN_ID}-01`,
  `00-${'0'.repeat(32)}-${SPAN_ID}-01`,
  `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
  `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
  `00-${TRACE_ID}-${SPAN_ID}`,
  `00-${TRACE_ID}-${SPAN_ID}-01, 00-${TRACE_ID}-${SPAN_ID}-01`,
])('%j counts as absent', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});
