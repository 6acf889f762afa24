import type { Outcome } from '../../src/errors.ts';
import type { Violation } from './ledger.ts';
import type { Status } from './service.ts';

/** What is known at the end of a run. */
export interface Closing {
  /** How many calls were made, and how many log lines each outcome has. */
  readonly calls: number;
  readonly logged: Readonly<Record<Outcome, number>>;
  /** Prometheus text. */
  readonly metrics: string;
  readonly status: Status;
  /** Connections that the payment API has open, just when `status` was asked for. */
  readonly openUpstream: number;
  readonly exitCode: number | undefined;
  /** Lines of the log that are no JSON. */
  readonly strayLines: readonly string[];
}

/** What must be true when all calls are over. */
export function judgeClosing(closing: Closing): Violation[] {
  const { calls, logged, metrics, status, openUpstream, exitCode, strayLines } = closing;
  const found: Violation[] = [];
  const expect = (what: string, is: number | undefined, shouldBe: number) => {
    if (is !== shouldBe) found.push({ what, detail: `${is} instead of ${shouldBe}` });
  };
  expect('the metrics count every call', sumOf(metrics, 'proxy_requests_total'), calls);
  for (const [outcome, count] of Object.entries(logged)) {
    expect(`the metrics count as many ${outcome} as the log`, sumOf(metrics, 'proxy_requests_total', outcome), count);
  }
  expect('no call is in flight', status.service.inFlight, 0);
  expect('the metrics show no call in flight', sumOf(metrics, 'proxy_requests_in_flight'), 0);
  expect('no connection is busy', inUse(status), 0);
  expect('the payment API has no connection open that the service does not know', openUpstream, knownTo(status));
  expect('the service ends with code 0', exitCode, 0);
  for (const line of strayLines) found.push({ what: 'every line of the log is JSON', detail: line.slice(0, 500) });
  return found;
}

/** Connections that are being made or used. */
export function inUse({ targets }: Status): number {
  return targets.reduce((sum, { busy, opening }) => sum + busy + opening, 0);
}

/** All connections that the service knows of. */
export function knownTo(status: Status): number {
  return status.targets.reduce((sum, { idle }) => sum + idle, inUse(status));
}

/** The sum of a metric over its labels, or over those with one outcome. */
export function sumOf(metrics: string, name: string, outcome?: string): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => outcome === undefined || line.includes(`outcome="${outcome}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
