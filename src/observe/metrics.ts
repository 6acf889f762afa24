import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Call } from '../http/call.ts';
import type { LaneStatus } from '../upstream/lane-status.ts';
import { PHASES } from '../upstream/trace.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const HANDSHAKE_RESULTS = ['ok', 'client_certificate_rejected', 'upstream_certificate_invalid'] as const;
const RELOAD_RESULTS = ['ok', 'unchanged', 'failed'] as const;

interface Sources {
  readonly inFlight: () => number;
  readonly connections: () => readonly LaneStatus[];
  readonly certificateNotAfter: () => Date;
}

/** What this process counts, in the names of design §7. */
export class Metrics {
  readonly registry = new Registry();
  readonly handshakes = new Counter({
    name: 'upstream_handshakes_total',
    help: 'TLS handshakes with a target, by what came of them.',
    labelNames: ['target', 'result'],
    registers: [this.registry],
  });
  readonly reloads = new Counter({
    name: 'client_certificate_reloads_total',
    help: 'Reloads of the client certificate, by what came of them.',
    labelNames: ['result'],
    registers: [this.registry],
  });
  readonly #requests = new Counter({
    name: 'proxy_requests_total',
    help: 'Requests to /proxy, refused ones included.',
    labelNames: ['caller', 'target', 'method', 'status', 'outcome'],
    registers: [this.registry],
  });
  readonly #durations = new Histogram({
    name: 'proxy_request_duration_seconds',
    help: 'Requests to /proxy, from their first byte to the last of their answer.',
    labelNames: ['target', 'outcome'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #phases = new Histogram({
    name: 'upstream_phase_duration_seconds',
    help: 'The phases of calls to a target.',
    labelNames: ['target', 'phase'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  constructor({ inFlight, connections, certificateNotAfter }: Sources) {
    const registers = [this.registry];
    this.#beginAtZero(connections().map(({ host }) => host));
    new Gauge({
      name: 'proxy_requests_in_flight',
      help: 'Calls that are being made now.',
      registers,
      collect() {
        this.set(inFlight());
      },
    });
    new Gauge({
      name: 'upstream_connections',
      help: 'Connections to a target now, by state.',
      labelNames: ['target', 'state'],
      registers,
      collect() {
        for (const { host, idle, busy, opening } of connections()) {
          this.set({ target: host, state: 'idle' }, idle);
          this.set({ target: host, state: 'busy' }, busy);
          this.set({ target: host, state: 'opening' }, opening);
        }
      },
    });
    new Gauge({
      name: 'client_certificate_not_after_timestamp_seconds',
      help: 'When the client certificate in use ends, in seconds since 1970.',
      registers,
      collect() {
        this.set(certificateNotAfter().getTime() / 1000);
      },
    });
  }

  /** A counter that is first seen at 1 has not risen, so an alert on its rise would miss the very first refusal. */
  #beginAtZero(targets: readonly string[]): void {
    for (const target of targets) {
      for (const result of HANDSHAKE_RESULTS) this.handshakes.inc({ target, result }, 0);
    }
    for (const result of RELOAD_RESULTS) this.reloads.inc({ result }, 0);
  }

  /** Adds CPU, memory, event loop and garbage collection; these cost a timer of 10 ms, so only where somebody can ask. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Counts one call that has ended. */
  count(call: Call): void {
    const { caller = '', host: target = '', method = '', status, outcome } = call;
    const phasesMs = call.trace?.phasesMs ?? {};
    this.#requests.inc({ caller, target, method, status: status ?? 'none', outcome });
    this.#durations.observe({ target, outcome }, call.durationMs / 1000);
    for (const phase of PHASES) {
      const ms = phasesMs[phase];
      if (ms !== undefined) this.#phases.observe({ target, phase }, ms / 1000);
    }
  }
}
