import assert from 'node:assert/strict';
import { type LogLine, type RunningService, startService } from '../../test/support/service.ts';
import { createAuthority } from '../pki.ts';
import { type ListenerWatch, watchListener } from './listener-watch.ts';
import { type Network, takeNetwork } from './network.ts';
import { Ledger, startRecordingUpstream } from './recording-upstream.ts';

/** The hosts that calls may reach, as listed. */
export const HOSTS = ['pay.example', 'kpay.example:8443'] as const;

/** The only key. */
export const API_KEY = 'fuzz-fuzz-fuzz-fuzz-fuzz-fuzz-fuzz';

/** A call that stays without an answer for longer hangs. */
const UPSTREAM_TIMEOUT_MS = 20_000;

/** A real service, the scripted payment API behind it, and everything that can be seen of them. */
export interface World {
  readonly port: number;
  readonly ledger: Ledger;
  readonly network: Network;
  readonly listener: ListenerWatch;
  /** The log lines of calls since this was asked last, as soon as there are so many. */
  callLines(count: number): Promise<readonly LogLine[]>;
  /** @throws AssertionError if a call is in flight although all have been answered */
  close(): Promise<void>;
}

/** Starts a world of its own for a run of cases; only one can be at a time, since it takes hold of the network. */
export async function startWorld(): Promise<World> {
  const authority = await createAuthority();
  const ledger = new Ledger();
  const upstreams = await Promise.all(HOSTS.map((host) => startRecordingUpstream(authority, host, ledger)));
  const routes = new Map(
    HOSTS.map((host, at) => [host.includes(':') ? host : `${host}:443`, upstreams[at]?.port ?? 0]),
  );
  const network = takeNetwork(routes);
  let service: RunningService | undefined;
  const listener = watchListener(() => service?.port ?? 0);
  const running = await startService({
    authority,
    upstreamPorts: [],
    settings: {
      UPSTREAM_HOSTS: HOSTS.join(','),
      UPSTREAM_TIMEOUT_MS: String(UPSTREAM_TIMEOUT_MS),
      UPSTREAM_CONNECT_TIMEOUT_MS: String(UPSTREAM_TIMEOUT_MS),
      PROXY_API_KEYS: `fuzzer:${API_KEY}`,
      HOST: '127.0.0.1',
      SHUTDOWN_TIMEOUT_MS: '10000',
    },
  });
  service = running;
  network.callerPorts.add(running.port);
  return {
    port: running.port,
    ledger,
    network,
    listener,
    callLines: async (count) => {
      await running.callLines(count);
      return running.takeLog().filter(({ msg }) => msg === 'call');
    },
    close: async () => {
      // To drain is to close the listener, too; what is still in flight then was forgotten.
      const isComplete = await running.service.drain(0);
      await Promise.all(upstreams.map((upstream) => upstream.close()));
      listener.stop();
      network.restore();
      assert(isComplete, 'a call has never ended');
    },
  };
}
