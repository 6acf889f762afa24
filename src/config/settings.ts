import { z } from 'zod';
import { allowedPaths } from './allowed-paths.ts';
import { apiKeys } from './api-keys.ts';
import { redisUrl } from './redis-url.ts';
import { flag, integer, listenAddress, optional, withDefault } from './setting-types.ts';
import { upstreamHosts } from './upstream-hosts.ts';

const MINUTE_MS = 60_000;

/** Judged in `credentials/`, by what they hold. */
const keyMaterial = z.string();

/**
 * Every environment variable that this service reads, with its meaning and its default. `.env.example` says the same in
 * the same words; a test holds the two together.
 */
export const SETTINGS = z.object({
  TOSS_PUBLIC_CRT_B64: optional(
    'The client certificate: the Base64 of its PEM file, leaf first, intermediates after it ("base64 -w0 FILE").',
    keyMaterial,
  ),
  TOSS_PUBLIC_CRT: optional(
    'The client certificate as PEM text, its line breaks written as \\n. Read when TOSS_PUBLIC_CRT_B64 is not set.',
    keyMaterial,
  ),
  TOSS_PUBLIC_CRT_FILE: optional(
    'The client certificate as the path of a PEM file. Read when neither of the other two is set.',
    keyMaterial,
  ),
  TOSS_PRIVATE_KEY_B64: optional(
    "The certificate's private key: the Base64 of its PEM file (PKCS#8, PKCS#1 or EC).",
    keyMaterial,
  ),
  TOSS_PRIVATE_KEY: optional(
    'The private key as PEM text, its line breaks written as \\n. Read when TOSS_PRIVATE_KEY_B64 is not set.',
    keyMaterial,
  ),
  TOSS_PRIVATE_KEY_FILE: optional(
    'The private key as the path of a PEM file. Read when neither of the other two is set.',
    keyMaterial,
  ),
  TOSS_PRIVATE_KEY_PASSPHRASE: optional('The passphrase of the private key, if it is encrypted.', keyMaterial),

  UPSTREAM_HOSTS: withDefault(
    'The only hosts that calls may reach, each "host" or "host:port"; calls that name none go to the first.',
    'apps-in-toss-api.toss.im,pay-apps-in-toss-api.toss.im',
    upstreamHosts(),
  ),
  ALLOWED_PATHS: withDefault(
    'The only paths that calls may reach, each "/prefix" for any method or "METHOD /prefix" for one.',
    '/',
    allowedPaths(),
  ),
  UPSTREAM_CA_B64: optional(
    "For a provider with a private CA: the Base64 of its root certificates in PEM, trusted instead of Node's own.",
    keyMaterial,
  ),
  UPSTREAM_CA_FILE: optional(
    'The same root certificates as the path of a PEM file. Read when UPSTREAM_CA_B64 is not set.',
    keyMaterial,
  ),

  PROXY_API_KEYS: optional(
    'Who may call: name:key, several separated by commas, so that they can be rotated. A name has a-z, 0-9 and ' +
      'hyphens, a key at least 32 of A-Z, a-z, 0-9, _ and -; neither may stand twice.',
    apiKeys(),
  ),
  PORT: withDefault('The port to listen on. 0 takes a free one.', '3001', integer(0, 65_535)),
  HOST: optional(
    'The address to listen on: an IP address or localhost. Without PROXY_API_KEYS it is 127.0.0.1, with them 0.0.0.0.',
    listenAddress(),
    '127.0.0.1',
  ),
  ALLOW_UNAUTHENTICATED: withDefault(
    'With true, other machines may call without a key. Set it only where something else keeps strangers out.',
    'false',
    flag(),
  ),

  UPSTREAM_CONNECT_TIMEOUT_MS: withDefault(
    'The longest wait for a connection: name look-up, TCP and TLS, in milliseconds.',
    '5000',
    integer(1, 10 * MINUTE_MS),
  ),
  UPSTREAM_TIMEOUT_MS: withDefault(
    "The longest a whole call may take, to the last byte. Keep it below the load balancer's idle timeout (ALB: 60 s).",
    '30000',
    integer(1, 10 * MINUTE_MS),
  ),
  UPSTREAM_IDLE_TIMEOUT_MS: withDefault(
    'How long an idle connection may be used again, in milliseconds. Below 1000, every call gets a new one.',
    '30000',
    integer(0, 60 * MINUTE_MS),
  ),
  UPSTREAM_WARM_CONNECTIONS: withDefault(
    'Connections held open per host, so that a call after a quiet hour pays no handshake. 0 turns it off.',
    '1',
    integer(0, 100),
  ),
  MAX_IN_FLIGHT: withDefault('Calls at once, per process; more are refused.', '512', integer(1, 65_535)),
  MAX_REQUEST_BYTES: withDefault(
    'The largest request body that is accepted, in bytes.',
    '1048576',
    integer(1, 104_857_600),
  ),
  RATE_LIMIT_PER_MINUTE: optional(
    'Calls per caller and minute; more are refused. Off unless set.',
    integer(1, 1_000_000),
  ),
  REDIS_URL: optional(
    'Where the processes share their counts: redis://host:port, or rediss:// with TLS. Without it each counts alone.',
    redisUrl(),
  ),

  SHUTDOWN_DELAY_MS: withDefault(
    'After SIGTERM, how many milliseconds calls are still served as usual while the load balancer looks away.',
    '0',
    integer(0, 10 * MINUTE_MS),
  ),
  SHUTDOWN_TIMEOUT_MS: optional(
    'After that delay, the longest wait for calls in flight. Unless set, it is UPSTREAM_TIMEOUT_MS and 5000 more.',
    integer(0, 60 * MINUTE_MS),
    '35000',
  ),

  METRICS_PORT: optional(
    'The port for GET /metrics and GET /status. Off unless set; under PM2 each worker adds its instance number.',
    integer(0, 65_535),
  ),
  METRICS_HOST: withDefault(
    'The address for GET /metrics and GET /status: an IP address or localhost.',
    '127.0.0.1',
    listenAddress(),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    'Where spans of calls and their phases go: the base URL of an OTLP/HTTP receiver. Off unless set.',
    z
      .string()
      .trim()
      .refine((text) => /^https?:\/\/[^/]/i.test(text) && URL.canParse(text), {
        error: 'write a URL such as http://localhost:4318.',
      }),
  ),
  LOG_LEVEL: withDefault(
    'The least level that is logged: trace, debug, info, warn, error, fatal or silent.',
    'info',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'write trace, debug, info, warn, error, fatal or silent.',
    }),
  ),
  NODE_ENV: optional('"production" turns pretty logs off.', z.string()),
});
