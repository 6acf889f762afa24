import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigError, withAllProblems } from '../../src/config/config-error.ts';
import { Secret } from '../../src/config/secret.ts';
import { loadConfig } from '../../src/config.ts';
import { problemsOf } from '../support/problems.ts';

const KEY = 'k'.repeat(32);

describe('loadConfig', () => {
  it.each([
    ['9100', '0', 9100],
    ['9100', '3', 9103],
    ['0', '3', 0],
    ['65535', '1', 65_535],
    ['9100', 'none', 9100],
  ])('gives METRICS_PORT=%s to the worker that PM2 numbers %s as %d', (METRICS_PORT, NODE_APP_INSTANCE, port) => {
    expect(loadConfig({ METRICS_PORT, NODE_APP_INSTANCE }).metrics?.port).toBe(port);
  });

  it.each([
    [{ METRICS_PORT: '3001' }],
    [{ METRICS_PORT: '3001', HOST: '127.0.0.1' }],
    [{ METRICS_PORT: '3001', HOST: '0.0.0.0', PROXY_API_KEYS: `shop:${KEY}` }],
  ])('wants another METRICS_PORT than PORT: %o', async (env) => {
    expect(await problemsOf(env, () => loadConfig(env))).toEqual(['METRICS_PORT: this is PORT, too. Set another.']);
  });

  it.each([[{ METRICS_PORT: '0', PORT: '0' }], [{ METRICS_PORT: '3001', HOST: '127.0.0.2' }]])(
    'takes METRICS_PORT equal to PORT where they cannot meet: %o',
    (env) => {
      expect(loadConfig(env).metrics?.port).toBe(Number(env.METRICS_PORT));
    },
  );

  it('gives every setting its default', () => {
    expect(loadConfig({})).toEqual({
      host: '127.0.0.1',
      port: 3001,
      apiKeys: [],
      upstreamHosts: [
        {
          label: 'apps-in-toss-api.toss.im',
          hostname: 'apps-in-toss-api.toss.im',
          port: 443,
          authority: 'apps-in-toss-api.toss.im',
        },
        {
          label: 'pay-apps-in-toss-api.toss.im',
          hostname: 'pay-apps-in-toss-api.toss.im',
          port: 443,
          authority: 'pay-apps-in-toss-api.toss.im',
        },
      ],
      allowedPaths: [{ prefix: '/' }],
      upstreamConnectTimeoutMs: 5000,
      upstreamTimeoutMs: 30_000,
      upstreamIdleTimeoutMs: 30_000,
      upstreamWarmConnections: 1,
      maxInFlight: 512,
      maxRequestBytes: 1_048_576,
      shutdownDelayMs: 0,
      shutdownTimeoutMs: 35_000,
      rateLimitPerMinute: undefined,
      redisUrl: undefined,
      metrics: undefined,
      logLevel: 'info',
      nodeEnv: undefined,
    });
  });

  it('takes every setting as it is given', () => {
    const config = loadConfig({
      HOST: '::1',
      PORT: ' 0 ',
      UPSTREAM_CONNECT_TIMEOUT_MS: '60000',
      UPSTREAM_TIMEOUT_MS: '10000',
      UPSTREAM_IDLE_TIMEOUT_MS: '0',
      UPSTREAM_WARM_CONNECTIONS: '0',
      MAX_IN_FLIGHT: '1',
      MAX_REQUEST_BYTES: '2048',
      SHUTDOWN_DELAY_MS: '15000',
      RATE_LIMIT_PER_MINUTE: '3000',
      REDIS_URL: 'rediss://:pw@cache.example:6380/0',
      METRICS_PORT: '9100',
      METRICS_HOST: '0.0.0.0',
      LOG_LEVEL: 'silent',
      NODE_ENV: 'staging',
    });
    expect(config).toMatchObject({
      host: '::1',
      port: 0,
      upstreamConnectTimeoutMs: 60_000,
      upstreamTimeoutMs: 10_000,
      upstreamIdleTimeoutMs: 0,
      upstreamWarmConnections: 0,
      maxInFlight: 1,
      maxRequestBytes: 2048,
      shutdownDelayMs: 15_000,
      shutdownTimeoutMs: 15_000,
      rateLimitPerMinute: 3000,
      metrics: { host: '0.0.0.0', port: 9100 },
      logLevel: 'silent',
      nodeEnv: 'staging',
    });
    expect(config.redisUrl?.reveal()).toBe('rediss://:pw@cache.example:6380/0');
  });

  it('takes SHUTDOWN_TIMEOUT_MS as given, whatever a call may take', () => {
    expect(loadConfig({ SHUTDOWN_TIMEOUT_MS: '1' }).shutdownTimeoutMs).toBe(1);
  });

  it('counts a variable that is set but empty as absent', () => {
    const empty = Object.fromEntries(
      ['HOST', 'PORT', 'PROXY_API_KEYS', 'UPSTREAM_HOSTS', 'REDIS_URL', 'METRICS_PORT', 'ALLOW_UNAUTHENTICATED'].map(
        (name) => [name, ''],
      ),
    );
    expect(loadConfig(empty)).toEqual(loadConfig({}));
  });

  it('tells every problem at once, each with its variable', async () => {
    const env = {
      PORT: '70000',
      UPSTREAM_HOSTS: 'https://pay1.example,pay2.example:0',
      PROXY_API_KEYS: 'Shop:short',
      LOG_LEVEL: 'verbose',
      HOST: 'somewhere',
      ALLOW_UNAUTHENTICATED: 'maybe',
      REDIS_URL: 'cache.example:6379',
      ALLOWED_PATHS: 'FETCH /v1',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    };
    const problems = await problemsOf(env, () => loadConfig(env));
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'UPSTREAM_HOSTS',
      'UPSTREAM_HOSTS',
      'ALLOWED_PATHS',
      'PROXY_API_KEYS',
      'PROXY_API_KEYS',
      'PORT',
      'HOST',
      'ALLOW_UNAUTHENTICATED',
      'REDIS_URL',
      'LOG_LEVEL',
      'NODE_TLS_REJECT_UNAUTHORIZED',
    ]);
  });

  it.each([
    ['PORT', '-1'],
    ['PORT', '3001.0'],
    ['PORT', '0x50'],
    ['PORT', '65536'],
    ['METRICS_PORT', '1e3'],
    ['UPSTREAM_CONNECT_TIMEOUT_MS', '0'],
    ['UPSTREAM_TIMEOUT_MS', '600001'],
    ['UPSTREAM_TIMEOUT_MS', '30s'],
    ['UPSTREAM_IDLE_TIMEOUT_MS', '3600001'],
    ['UPSTREAM_WARM_CONNECTIONS', '101'],
    ['MAX_IN_FLIGHT', '0'],
    ['MAX_REQUEST_BYTES', '1 MB'],
    ['RATE_LIMIT_PER_MINUTE', '0'],
    ['SHUTDOWN_DELAY_MS', '00000000000'],
    ['SHUTDOWN_TIMEOUT_MS', '٣'],
  ])('refuses %s=%s and says which numbers it takes', async (variable, value) => {
    const env = { [variable]: value };
    const problems = await problemsOf(env, () => loadConfig(env));
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`^${variable}: write a whole number from \\d+ to \\d+, digits only\\.$`)),
    ]);
  });

  it.each([
    ...['http://cache.example', 'redis://', 'redis:///0', 'cache.example', 'redis://:pw@', 'redis://cache.example:0'],
    ...[
      'redis://cache.example/cache',
      'redis://cache.example/1.5',
      'redis://cache.example/-1',
      'redis://a.example/b@c',
    ],
    ...['redis://cache.example?x=1', 'redis://user:12#34@cache.example', 'redis://:%zz@cache.example'],
  ])('refuses the Redis at %s', async (url) => {
    const env = { REDIS_URL: url };
    expect(await problemsOf(env, () => loadConfig(env))).toEqual([
      'REDIS_URL: write redis://host:port or rediss://host:port (TLS); before the host :password@, percent-encoded, and ' +
        'behind the port /N for another database than 0.',
    ]);
  });

  it.each(['redis://cache.example', 'redis://cache.example:6379/', 'rediss://u:p%23@[::1]:6380/15'])(
    'takes the Redis at %s',
    (url) => {
      expect(loadConfig({ REDIS_URL: url }).redisUrl?.reveal()).toBe(url);
    },
  );

  it('does not start where the verification of servers is turned off', async () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    expect(await problemsOf(env, () => loadConfig(env))).toEqual([
      expect.stringMatching(/^NODE_TLS_REJECT_UNAUTHORIZED: .* Remove this variable/),
    ]);
  });
});

describe('the door rule', () => {
  const keys = { PROXY_API_KEYS: `shop:${KEY}` };

  it('listens on every address when callers need a key', () => {
    expect(loadConfig(keys).host).toBe('0.0.0.0');
  });

  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST'])(
    'lets %s do without keys',
    (host) => {
      expect(loadConfig({ HOST: host }).host).toBe(host.toLowerCase());
    },
  );

  it.each(['0.0.0.0', '::', '10.0.0.5', '::ffff:10.0.0.5'])(
    'does not start on %s without keys, and says why',
    async (host) => {
      const env = { HOST: host };
      expect(await problemsOf(env, () => loadConfig(env))).toEqual([
        expect.stringMatching(/^HOST: without PROXY_API_KEYS, any machine .* ALLOW_UNAUTHENTICATED=true/),
      ]);
      expect(loadConfig({ ...env, ...keys }).host).toBe(host);
      expect(loadConfig({ ...env, ALLOW_UNAUTHENTICATED: 'true' }).host).toBe(host);
    },
  );

  it('says so along with other problems, but not on top of a broken PROXY_API_KEYS', async () => {
    const open = { HOST: '0.0.0.0', PORT: 'http' };
    expect((await problemsOf(open, () => loadConfig(open))).map((problem) => problem.split(':')[0])).toEqual([
      'PORT',
      'HOST',
    ]);
    const broken = { HOST: '0.0.0.0', PROXY_API_KEYS: 'none' };
    expect(await problemsOf(broken, () => loadConfig(broken))).toEqual([
      'PROXY_API_KEYS: entry 1 has no colon. Write "name:key".',
    ]);
  });

  it('does not listen everywhere just because ALLOW_UNAUTHENTICATED is true', () => {
    expect(loadConfig({ ALLOW_UNAUTHENTICATED: 'true' }).host).toBe('127.0.0.1');
  });

  it.each(['shop.example', '127.1', '[::1]', '0x7f.0.0.1', '127.0.0.1:3001'])(
    'refuses %s as an address',
    async (host) => {
      const env = { HOST: host };
      expect(await problemsOf(env, () => loadConfig(env))).toEqual([
        'HOST: write an IP address (IPv6 without brackets) or localhost.',
      ]);
    },
  );
});

describe('a secret', () => {
  it('shows only when it is revealed', () => {
    const secret = new Secret('hunter2');
    const shown = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true, depth: null }),
      inspect(secret, { customInspect: false, showHidden: true }),
      JSON.stringify({ ...secret }),
      Object.values(secret).join(),
    ].join('\n');
    expect(shown).not.toContain('hunter2');
    expect(shown).toContain('[secret]');
    expect(secret.reveal()).toBe('hunter2');
  });

  it('does not show in a printed Config', () => {
    const config = loadConfig({ PROXY_API_KEYS: `shop:${KEY}`, REDIS_URL: 'redis://:hunter2@cache.example' });
    expect(inspect(config, { depth: null }) + JSON.stringify(config)).not.toMatch(/hunter2|kkkk/);
  });
});

describe('withAllProblems', () => {
  it('gives the results of both steps', async () => {
    expect(
      await withAllProblems(
        () => 1,
        async () => 'two',
      ),
    ).toEqual([1, 'two']);
  });

  it('tells the problems of both steps', async () => {
    const refuse = (problem: string) => () => {
      throw new ConfigError([problem]);
    };
    expect(await problemsOf({}, () => withAllProblems(refuse('A: one.'), refuse('B: two.')))).toEqual([
      'A: one.',
      'B: two.',
    ]);
    expect(await problemsOf({}, () => withAllProblems(refuse('A: one.'), () => 2))).toEqual(['A: one.']);
  });

  it('does not take a defect for a problem of the settings', async () => {
    const defect = new TypeError('a defect');
    await expect(
      withAllProblems(
        () => 1,
        () => Promise.reject(defect),
      ),
    ).rejects.toBe(defect);
  });
});
