import { beforeEach, describe, expect, test } from 'vitest';
import { ProxyError } from '../../../src/errors.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import type { LaneStatus } from '../../../src/upstream/lane-status.ts';
import { answeredTrace, endedCall } from './call.ts';

const LANE: LaneStatus = {
  host: 'pay.example',
  idle: 1,
  busy: 2,
  opening: 3,
  idleLimitMs: { used: 30_000, unused: 30_000 },
  lastHandshake: undefined,
};

let metrics: Metrics;

beforeEach(() => {
  metrics = new Metrics({
    inFlight: () => 7,
    connections: () => [LANE],
    certificateNotAfter: () => new Date('2027-01-01T00:00:00Z'),
  });
});

/** The lines of one metric, without the comments. */
async function linesOf(name: string): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => new RegExp(`^${name}(\\{| )`).test(line));
}

describe('an answered call', () => {
  beforeEach(() => {
    const filled = { caller: 'shop', method: 'POST', host: 'pay.example', path: '/pay', status: 200 };
    metrics.count(endedCall({ ...filled, trace: answeredTrace(200) }));
  });

  test('is counted by caller, target, method, status and outcome', async () => {
    expect(await linesOf('proxy_requests_total')).toEqual([
      'proxy_requests_total{caller="shop",target="pay.example",method="POST",status="200",outcome="answered"} 1',
    ]);
  });

  test('is timed by target and outcome', async () => {
    expect(await linesOf('proxy_request_duration_seconds_count')).toEqual([
      'proxy_request_duration_seconds_count{target="pay.example",outcome="answered"} 1',
    ]);
  });

  test('has each of its phases timed, in seconds', async () => {
    const phases = ['dns', 'tcp', 'tls', 'send', 'wait', 'receive'];

    expect(await linesOf('upstream_phase_duration_seconds_count')).toEqual(
      phases.map((phase) => `upstream_phase_duration_seconds_count{target="pay.example",phase="${phase}"} 1`),
    );
    expect(await linesOf('upstream_phase_duration_seconds_sum')).toContain(
      'upstream_phase_duration_seconds_sum{target="pay.example",phase="receive"} 0.006',
    );
  });
});

test('a refused call is counted with what was known of it', async () => {
  metrics.count(endedCall({ status: 401, error: new ProxyError('unauthorized') }));
  metrics.count(endedCall({}));

  expect(await linesOf('proxy_requests_total')).toEqual([
    'proxy_requests_total{caller="",target="",method="",status="401",outcome="not_processed"} 1',
    'proxy_requests_total{caller="",target="",method="",status="none",outcome="not_processed"} 1',
  ]);
  expect(await linesOf('upstream_phase_duration_seconds_count')).toEqual([]);
});

test('what is true now is read when somebody asks', async () => {
  expect(await linesOf('proxy_requests_in_flight')).toEqual(['proxy_requests_in_flight 7']);
  expect(await linesOf('upstream_connections')).toEqual([
    'upstream_connections{target="pay.example",state="idle"} 1',
    'upstream_connections{target="pay.example",state="busy"} 2',
    'upstream_connections{target="pay.example",state="opening"} 3',
  ]);
  expect(await linesOf('client_certificate_not_after_timestamp_seconds')).toEqual([
    `client_certificate_not_after_timestamp_seconds ${Date.parse('2027-01-01T00:00:00Z') / 1000}`,
  ]);
});

test('handshakes and reloads are counted by their result, from zero on, so that the first one is a rise', async () => {
  const handshakes = 'upstream_handshakes_total{target="pay.example",result=';
  expect(await linesOf('upstream_handshakes_total')).toContain(`${handshakes}"client_certificate_rejected"} 0`);
  expect(await linesOf('client_certificate_reloads_total')).toContain(
    'client_certificate_reloads_total{result="failed"} 0',
  );

  metrics.handshakes.inc({ target: 'pay.example', result: 'ok' });
  metrics.reloads.inc({ result: 'failed' });

  expect(await linesOf('upstream_handshakes_total')).toContain(`${handshakes}"ok"} 1`);
  expect(await linesOf('client_certificate_reloads_total')).toContain(
    'client_certificate_reloads_total{result="failed"} 1',
  );
});

test('there are these metrics of ours and no other', async () => {
  metrics.watchProcess();
  const names = (await metrics.registry.getMetricsAsJSON()).map(({ name }) => name);

  expect(names.filter((name) => !/^(process|nodejs)_/.test(name)).sort()).toEqual([
    'client_certificate_not_after_timestamp_seconds',
    'client_certificate_reloads_total',
    'proxy_request_duration_seconds',
    'proxy_requests_in_flight',
    'proxy_requests_total',
    'upstream_connections',
    'upstream_handshakes_total',
    'upstream_phase_duration_seconds',
  ]);
  expect(names).toContain('process_resident_memory_bytes');
  expect(names).toContain('nodejs_eventloop_lag_seconds');
});
