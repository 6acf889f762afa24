/**
 * The network of a fuzzed service: the listed hosts lead to scripted upstreams on loopback, and every other place that
 * anything in this process tries to connect to is refused and noted.
 */
import { type LookupFunction, Socket } from 'node:net';

export interface Network {
  /** Where somebody wanted to go who should not, as `host:port`. */
  readonly strays: readonly string[];
  /** Loopback ports that the fuzzer's own callers may reach. */
  readonly callerPorts: Set<number>;
  /** Gives the real network back. */
  restore(): void;
}

type Connect = (this: Socket, ...args: unknown[]) => Socket;

interface Destination {
  readonly host?: string;
  readonly port?: number | string;
}

/**
 * Takes hold of `net.Socket.prototype.connect`, which every TCP and TLS connection of a Node process goes through: no
 * option of the service can get past it.
 *
 * @param routes the loopback port behind each listed `host:port`
 */
export function takeNetwork(routes: ReadonlyMap<string, number>): Network {
  const strays: string[] = [];
  const callerPorts = new Set<number>();
  // The method has four signatures; this stands in for all of them and passes on what it was given.
  const original = Socket.prototype.connect as Connect;

  const guarded: Connect = function (...args) {
    const to = destinationOf(args);
    if (to.host === '127.0.0.1' && callerPorts.has(Number(to.port))) return original.apply(this, args);
    const name = `${to.host}:${to.port}`;
    const port = routes.get(name);
    if (port !== undefined) return original.call(this, { ...to, port, lookup: toLoopback }, ...callbackIn(args));
    strays.push(name);
    process.nextTick(() => this.destroy(new Error('The fuzzer refused a stray connection')));
    return this;
  };
  Socket.prototype.connect = guarded as Socket['connect'];
  return {
    strays,
    callerPorts,
    restore: () => {
      Socket.prototype.connect = original as Socket['connect'];
    },
  };
}

/** `connect(options)`, `connect(port, host)`, or what `net.connect` makes of either: `[options, callback]` in an array. */
function destinationOf([first, second]: readonly unknown[]): Destination {
  if (Array.isArray(first)) return destinationOf(first);
  if (typeof first === 'object' && first !== null) return first;
  return { port: Number(first), host: typeof second === 'string' ? second : 'localhost' };
}

function callbackIn(args: readonly unknown[]): readonly unknown[] {
  return args.flat().filter((argument) => typeof argument === 'function');
}

const toLoopback: LookupFunction = (_name, options, callback) => {
  const address = { address: '127.0.0.1', family: 4 };
  process.nextTick(() => (options.all ? callback(null, [address]) : callback(null, address.address, 4)));
};
