import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Cores, Measured } from './process.ts';
import { caddyRelay, haproxyRelay, isInstalled, nginxRelay } from './relays.ts';
import { type BodySize, jsonOf, type Setting } from './setting.ts';

/** The request that a caller sends to a contender to have the payment API's body of this size. */
export interface CallerRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One way of getting a request to the payment API. */
export interface Contender {
  readonly name: string;
  /** @returns the command and the environment that run it on this port */
  start(setting: Setting, port: number, upstreamPort: number): Start;
  request(size: BodySize): CallerRequest;
}

interface Start {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const API_KEY = 'bench-key-that-opens-nothing-but-this-bench';

/** What a call asks for: a body goes out with it that is as large as the answer, up to the envelope's limit. */
function payload(size: BodySize): string {
  return jsonOf(size === '64k' ? 65_536 : 200);
}

const envelope = (size: BodySize): CallerRequest => ({
  path: '/proxy',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
  body: `{"method":"POST","path":"/${size}","headers":{"x-toss-user-key":"user"},"body":${payload(size)}}`,
});

const plain = (size: BodySize): CallerRequest => ({
  path: `/${size}`,
  headers: { 'content-type': 'application/json', 'x-toss-user-key': 'user' },
  body: payload(size),
});

const ALL_FEATURES = {
  PROXY_API_KEYS: `bench:${API_KEY}`,
  RATE_LIMIT_PER_MINUTE: '1000000',
  METRICS_PORT: '0',
  MAX_IN_FLIGHT: '2048',
  NODE_ENV: 'production',
};

/** Our service with all features, or with some settings changed. */
function ours(name: string, changes: Readonly<Record<string, string | undefined>> = {}): Contender {
  return {
    name,
    start: ({ certFile, keyFile, caFile }, port, upstreamPort) => {
      const settings: Readonly<Record<string, string | undefined>> = {
        ...ALL_FEATURES,
        HOST: '127.0.0.1',
        PORT: String(port),
        UPSTREAM_HOSTS: `localhost:${upstreamPort}`,
        TOSS_PUBLIC_CRT_FILE: certFile,
        TOSS_PRIVATE_KEY_FILE: keyFile,
        UPSTREAM_CA_FILE: caFile,
        ...changes,
      };
      const env = Object.fromEntries(
        Object.entries(settings).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      );
      return { command: [process.execPath, fileURLToPath(new URL('../../dist/main.js', import.meta.url))], env };
    },
    request: envelope,
  };
}

function script(name: string, file: string, request: Contender['request']): Contender {
  return {
    name,
    start: ({ certFile, keyFile, caFile }, port, upstreamPort) => ({
      command: [process.execPath, '--import', 'tsx', fileURLToPath(new URL(file, import.meta.url))],
      env: {
        NODE_ENV: 'production',
        BENCH_PORT: String(port),
        UPSTREAM_PORT: String(upstreamPort),
        CERT_FILE: certFile,
        KEY_FILE: keyFile,
        CA_FILE: caFile,
      },
    }),
    request,
  };
}

function relay(
  name: string,
  command: (setting: Setting, port: number, upstreamPort: number) => readonly string[],
): Contender {
  return {
    name,
    start: (setting, port, upstreamPort) => ({
      command: command(setting, port, upstreamPort),
      env: { HOME: setting.directory },
    }),
    request: plain,
  };
}

export const OURS = ours('toss-mtls-proxy, all features');
const NAIVE = script('naive design', './naive-server.ts', envelope);
const FASTIFY = script('Fastify + reply-from', './fastify-server.ts', plain);
const CADDY = relay('Caddy, access log + metrics', caddyRelay);

/** Ours with one feature off, to show what each costs. */
const VARIANTS: readonly Contender[] = [
  ours('… without log', { LOG_LEVEL: 'silent' }),
  ours('… without API keys', { PROXY_API_KEYS: undefined }),
  ours('… without rate limit', { RATE_LIMIT_PER_MINUTE: undefined }),
  ours('… without metrics listener', { METRICS_PORT: undefined }),
];

/** Everything that can be run on this machine. */
export function contenders(): readonly Contender[] {
  return [
    OURS,
    ...VARIANTS,
    NAIVE,
    FASTIFY,
    ...(isInstalled('nginx', '-v') ? [relay('nginx, access log', nginxRelay)] : []),
    ...(isInstalled('haproxy', '-v') ? [relay('HAProxy, no log', haproxyRelay)] : []),
    ...(isInstalled('caddy', 'version') ? [CADDY] : []),
  ];
}

/** Runs a contender on its cores until it listens; its log goes to a file, as it would in production. */
export async function run(
  contender: Contender,
  setting: Setting,
  ports: { readonly own: number; readonly upstream: number },
  cores: Cores,
): Promise<Measured> {
  const { command, env } = contender.start(setting, ports.own, ports.upstream);
  const stdout = openSync(`${setting.directory}/log`, 'w');
  const process = new Measured(command, { ...(env && { env }), cores, stdout });
  await process.listening(ports.own);
  return process;
}
