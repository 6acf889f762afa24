import { Agent, request } from 'node:http';

/** A caller that hears nothing for this long gives the call up. */
const CALLER_TIMEOUT_MS = 10_000;

/** What a closed-loop load has met so far. */
export interface Load {
  readonly calls: number;
  /** One entry a call that was not answered 200: its status, or the code of the connection's error. */
  readonly failures: readonly string[];
  /** Ends it when the calls under way have ended. */
  stop(): Promise<void>;
}

interface LoadOptions {
  readonly port: number;
  readonly callers: number;
  readonly envelope: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** So many callers, each with a kept connection, each calling again as soon as it has its answer. */
export function startLoad({ port, callers, envelope, headers }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const body = JSON.stringify(envelope);
  const failures: string[] = [];
  let calls = 0;
  let running = true;
  const call = () =>
    new Promise<void>((resolve) => {
      const end = (failure?: string) => {
        calls += 1;
        if (failure !== undefined) failures.push(failure);
        resolve();
      };
      const outgoing = request(
        {
          host: '127.0.0.1',
          port,
          path: '/proxy',
          method: 'POST',
          agent,
          timeout: CALLER_TIMEOUT_MS,
          headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers },
        },
        (response) => {
          response.resume();
          response.on('end', () => end(response.statusCode === 200 ? undefined : String(response.statusCode)));
          response.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
      outgoing.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      outgoing.end(body);
    });
  const caller = async () => {
    while (running) await call();
  };
  const ended = Promise.all(Array.from({ length: callers }, caller));
  return {
    get calls() {
      return calls;
    },
    failures,
    stop: async () => {
      running = false;
      await ended;
      agent.destroy();
    },
  };
}
