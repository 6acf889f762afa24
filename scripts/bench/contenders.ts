import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startScript } from '../start-script.ts';
import { caddyRelay, haproxyRelay, isInstalled, nginxRelay } from './relays.ts';
import { type BodySize, bodyOf, type Setting } from './setting.ts';

/** The request that a caller sends to a contender, to have the payment API's body of the same size. */
export interface CallerRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where a contender is to run. */
export interface Place {
  readonly setting: Setting;
  readonly port: number;
  readonly upstreamPort: number;
  /** The Node that runs it. */
  readonly node: string;
}

export interface Start {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One way of getting a request to the payment API. */
export interface Contender {
  /** For the command line. */
  readonly id: string;
  readonly name: string;
  /** @returns the command and the environment that run it; none: the caller holds the certificate itself */
  readonly start?: (place: Place) => Start;
  readonly request: (path: string, body: string) => CallerRequest;
}

const API_KEY = 'bench-key-that-opens-nothing-but-this-bench';
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
/** Where `tsc -p scripts/bench` puts the servers, so that none carries a TypeScript loader. */
const SERVERS = fileURLToPath(new URL('../../node_modules/.cache/toss-mtls-proxy-bench', import.meta.url));

const envelope: Contender['request'] = (path, body) => ({
  path: '/proxy',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
  body: `{"method":"POST","path":"${path}","headers":{"x-toss-user-key":"user"},"body":${body}}`,
});

const plain: Contender['request'] = (path, body) => ({
  path,
  headers: { 'content-type': 'application/json', 'x-toss-user-key': 'user' },
  body,
});

/** @returns what a caller sends to have a body of this size, sending one as large */
export function requestOf({ request }: Contender, size: BodySize): CallerRequest {
  return request(`/${size}`, bodyOf(size));
}

/** As `npm start` and PM2 have them. */
const { flags: FLAGS } = startScript();

const FEATURES = {
  PROXY_API_KEYS: `bench:${API_KEY}`,
  RATE_LIMIT_PER_MINUTE: '1000000',
  METRICS_PORT: '0',
  LOG_LEVEL: 'info',
};

/** Our service with all features, or with some settings changed; an empty value turns one off. */
function ours(id: string, name: string, changes: Partial<typeof FEATURES> = {}, dist = DIST): Contender {
  return {
    id,
    name,
    start: ({ setting: { certFile, keyFile, caFile }, port, upstreamPort, node }) => ({
      command: [node, ...FLAGS, join(dist, 'main.js')],
      env: {
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: String(port),
        UPSTREAM_HOSTS: `localhost:${upstreamPort}`,
        TOSS_PUBLIC_CRT_FILE: certFile,
        TOSS_PRIVATE_KEY_FILE: keyFile,
        UPSTREAM_CA_FILE: caFile,
        MAX_IN_FLIGHT: '2048',
        MAX_REQUEST_BYTES: '20971520',
        ...FEATURES,
        ...changes,
      },
    }),
    request: envelope,
  };
}

function script(
  id: string,
  name: string,
  file: string,
  request: Contender['request'],
  more: Readonly<Record<string, string>> = {},
): Contender {
  const start: Contender['start'] = ({ setting: { certFile, keyFile, caFile }, port, upstreamPort, node }) => ({
    command: [node, join(SERVERS, file)],
    env: {
      NODE_ENV: 'production',
      BENCH_PORT: String(port),
      UPSTREAM_PORT: String(upstreamPort),
      CERT_FILE: certFile,
      KEY_FILE: keyFile,
      CA_FILE: caFile,
      ...more,
    },
  });
  return { id, name, start, request };
}

function relay(id: string, name: string, command: (place: Place) => readonly string[]): Contender {
  const start = (place: Place) => ({ command: command(place), env: { HOME: place.setting.directory } });
  return { id, name, start, request: plain };
}

export const DIRECT: Contender = { id: 'direct', name: 'direct, no relay', request: plain };
export const OURS = ours('ours', 'toss-mtls-proxy, all features');
export const NAIVE = script('naive', 'naive design on Express', 'naive-server.js', envelope);
export const FASTIFY = script('fastify', 'Fastify + reply-from, bare', 'fastify-server.js', plain);

const TUNED_FASTIFY = script('fastify-tuned', '… with one TLS context', 'fastify-server.js', plain, {
  TLS_CONTEXT: 'once',
});

/** The payment API where nginx is not installed. */
export function nodeUpstream(
  { directory, serverCertFile, serverKeyFile, caFile }: Setting,
  port: number,
  node: string,
): Start {
  return {
    command: [node, join(SERVERS, 'upstream-server.js')],
    env: {
      BENCH_PORT: String(port),
      DIRECTORY: join(directory, 'bodies'),
      CERT_FILE: serverCertFile,
      KEY_FILE: serverKeyFile,
      CA_FILE: caFile,
    },
  };
}

/** Ours with one feature off, and with all of them off, to show what each costs. */
const VARIANTS: readonly Contender[] = [
  ours('no-log', '… without log', { LOG_LEVEL: 'silent' }),
  ours('no-keys', '… without API keys', { PROXY_API_KEYS: '' }),
  ours('no-rate-limit', '… without rate limit', { RATE_LIMIT_PER_MINUTE: '' }),
  ours('no-metrics', '… without metrics listener', { METRICS_PORT: '' }),
  ours('no-features', '… without any of these', {
    LOG_LEVEL: 'silent',
    PROXY_API_KEYS: '',
    RATE_LIMIT_PER_MINUTE: '',
    METRICS_PORT: '',
  }),
];

/** For the start: what else may be started, as far as to its first 200 on `/`. */
export const EXPRESS = script('express', 'bare Express', 'express-server.js', plain);
export const HTTP = script('http', 'bare node:http server', 'http-server.js', plain);

/**
 * Everything that can be run on this machine.
 *
 * @param beside the folder of another build of ours, to compare with
 */
export function contenders(beside: string | undefined): readonly Contender[] {
  return [
    DIRECT,
    OURS,
    ...(beside === undefined ? [] : [ours('beside', `the build in ${beside}`, {}, beside)]),
    ...VARIANTS,
    NAIVE,
    FASTIFY,
    TUNED_FASTIFY,
    ...(isInstalled('caddy', 'version') ? [relay('caddy', 'Caddy, access log + metrics', caddyRelay)] : []),
    ...(isInstalled('haproxy', '-v') ? [relay('haproxy', 'HAProxy, no log', haproxyRelay)] : []),
    ...(isInstalled('nginx', '-v') ? [relay('nginx', 'nginx, access log', nginxRelay)] : []),
  ];
}
