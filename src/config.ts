import { BlockList, isIP } from 'node:net';
import type { z } from 'zod';
import { ConfigError } from './config/config-error.ts';
import { type Environment, lookUp } from './config/environment.ts';
import type { Secret } from './config/secret.ts';
import { SETTINGS } from './config/settings.ts';

/** A host that calls may reach. */
export interface UpstreamHost {
  /** As listed in `UPSTREAM_HOSTS`, in lower case: what a call's `hostname` is compared with. */
  readonly label: string;
  /** For the connection and for SNI; an IPv6 address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** For the `Host` header; port 443 is left out (RFC 9110 §4.2.2, §7.2). */
  readonly authority: string;
}

interface ApiKey {
  /** The caller's name, for logs and metrics. */
  readonly name: string;
  readonly key: Secret;
}

/** A call may go where one of these fits; one without a method fits all methods. */
export interface AllowedPath {
  /** In upper case. */
  readonly method?: string;
  readonly prefix: string;
}

/**
 * The settings as parsed and judged. The certificate, its key and the CA are not among them: they are read by
 * `credentials/`, from the same environment.
 */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Empty: callers need no key. */
  readonly apiKeys: readonly ApiKey[];
  /** The first is the default. */
  readonly upstreamHosts: readonly UpstreamHost[];
  readonly allowedPaths: readonly AllowedPath[];
  readonly upstreamConnectTimeoutMs: number;
  readonly upstreamTimeoutMs: number;
  readonly upstreamIdleTimeoutMs: number;
  readonly upstreamWarmConnections: number;
  readonly maxInFlight: number;
  readonly maxRequestBytes: number;
  readonly shutdownDelayMs: number;
  readonly shutdownTimeoutMs: number;
  readonly rateLimitPerMinute: number | undefined;
  readonly redisUrl: Secret | undefined;
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  /** The base URL of an OTLP/HTTP receiver. */
  readonly otlpEndpoint: string | undefined;
  readonly logLevel: z.output<typeof SETTINGS>['LOG_LEVEL'];
  readonly nodeEnv: string | undefined;
}

const ANSWER_MARGIN_MS = 5000;
const HIGHEST_PORT = 65_535;
const ANY_ADDRESS = ['0.0.0.0', '::'];

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Parses all settings but the key material.
 *
 * @param env from {@link readEnvironment}; a variable that is set but empty counts as absent
 * @throws ConfigError with every problem at once, each naming its variable and the remedy, never a value
 */
export function loadConfig(env: Environment): Config {
  const given = Object.fromEntries(Object.keys(SETTINGS.shape).map((name) => [name, lookUp(env, name)]));
  const parsed = SETTINGS.safeParse(given);
  const problems = [
    ...(parsed.error?.issues.map(problemOf) ?? []),
    ...doorProblems(given),
    ...portProblems(given),
    ...verificationProblems(env),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);

  const settings = parsed.data;
  const apiKeys = settings.PROXY_API_KEYS ?? [];
  return {
    host: settings.HOST ?? (apiKeys.length > 0 ? '0.0.0.0' : '127.0.0.1'),
    port: settings.PORT,
    apiKeys,
    upstreamHosts: settings.UPSTREAM_HOSTS,
    allowedPaths: settings.ALLOWED_PATHS,
    upstreamConnectTimeoutMs: settings.UPSTREAM_CONNECT_TIMEOUT_MS,
    upstreamTimeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    upstreamIdleTimeoutMs: settings.UPSTREAM_IDLE_TIMEOUT_MS,
    upstreamWarmConnections: settings.UPSTREAM_WARM_CONNECTIONS,
    maxInFlight: settings.MAX_IN_FLIGHT,
    maxRequestBytes: settings.MAX_REQUEST_BYTES,
    shutdownDelayMs: settings.SHUTDOWN_DELAY_MS,
    shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS ?? settings.UPSTREAM_TIMEOUT_MS + ANSWER_MARGIN_MS,
    rateLimitPerMinute: settings.RATE_LIMIT_PER_MINUTE,
    redisUrl: settings.REDIS_URL,
    metrics:
      settings.METRICS_PORT === undefined
        ? undefined
        : { host: settings.METRICS_HOST, port: workersPort(settings.METRICS_PORT, env) },
    otlpEndpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
    logLevel: settings.LOG_LEVEL,
    nodeEnv: settings.NODE_ENV,
  };
}

/** PM2 numbers its workers from 0 (`NODE_APP_INSTANCE`), and each takes a port of its own; 0 is a free one for any. */
function workersPort(port: number, env: Environment): number {
  const instance = Number(lookUp(env, 'NODE_APP_INSTANCE') ?? 0);
  return port === 0 || !Number.isInteger(instance) ? port : Math.min(port + Math.max(instance, 0), HIGHEST_PORT);
}

/** An issue inside a list has the entry's index in its path. */
function problemOf({ path: [variable, index], message }: z.core.$ZodIssue): string {
  return `${String(variable)}: ${typeof index === 'number' ? `entry ${index + 1} ` : ''}${message}`;
}

/** The door rule: without API keys only this machine may call, unless the operator says outright that all may. */
function doorProblems(given: Environment): readonly string[] {
  const door = SETTINGS.pick({ HOST: true, PROXY_API_KEYS: true, ALLOW_UNAUTHENTICATED: true }).safeParse(given);
  const host = door.data?.HOST;
  if (host === undefined || isLoopback(host) || door.data?.PROXY_API_KEYS || door.data?.ALLOW_UNAUTHENTICATED)
    return [];
  return [
    'HOST: without PROXY_API_KEYS, any machine that reaches this address could spend your money. Set PROXY_API_KEYS, ' +
      'or listen on 127.0.0.1, or set ALLOW_UNAUTHENTICATED=true if something else keeps strangers out.',
  ];
}

/** The metrics take their port first, so the service's own listener would be told that another process has it. */
function portProblems(given: Environment): readonly string[] {
  const { data } = SETTINGS.pick({ HOST: true, PORT: true, METRICS_HOST: true, METRICS_PORT: true }).safeParse(given);
  if (data === undefined || data.PORT === 0 || data.PORT !== data.METRICS_PORT) return [];
  const hosts = [data.HOST, data.METRICS_HOST];
  const areApart = hosts.every((host) => host !== undefined && !ANY_ADDRESS.includes(host)) && hosts[0] !== hosts[1];
  return areApart ? [] : ['METRICS_PORT: this is PORT, too. Set another.'];
}

function verificationProblems(env: Environment): readonly string[] {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return [];
  return [
    'NODE_TLS_REJECT_UNAUTHORIZED: this service does not run where the verification of servers is turned off. Remove ' +
      'this variable; for a provider with a private CA set UPSTREAM_CA_B64 or UPSTREAM_CA_FILE.',
  ];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || LOOPBACK.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
