import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import type { Environment } from '../../src/config/environment.ts';
import { runDoctor } from '../support/doctor.ts';
import { environmentFor } from '../support/service.ts';
import { startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream } from '../support/upstream.ts';

const DAY_MS = 86_400_000;
/** Of the certificate. */
const END = new Date(Date.now() + 100.5 * DAY_MS);

const authority = await createAuthority();
const pair = await authority.issue({ commonName: 'my-mini-app', notAfter: END });

/** Nothing is asked of a host: the settings name one whose name cannot exist. */
const NOWHERE: Environment = { UPSTREAM_HOSTS: 'payment-api.invalid' };

const GOOD_PAIR: Environment = { ...NOWHERE, TOSS_PUBLIC_CRT: pair.certPem, TOSS_PRIVATE_KEY: pair.keyPem };

async function healthySettings(): Promise<Environment> {
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () =>
      connection.socket.write(
        `HTTP/1.1 404 Not Found\r\nDate: ${new Date().toUTCString()}\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
  });
  onTestFinished(() => upstream.close());
  return environmentFor({
    authority,
    upstreamPorts: [upstream.port],
    settings: { ...GOOD_PAIR, UPSTREAM_HOSTS: `localhost:${upstream.port}` },
  });
}

describe('as a whole', () => {
  test('where all is well it says what it has found, and ends with exit code 0', async () => {
    const env = await healthySettings();
    const { code, output, stderr } = await runDoctor(env);
    expect(stderr).toBe('');
    expect(
      output
        .replaceAll(/\d+(?= ms)/g, 'N')
        .replaceAll(/[0-9A-F:]{95}/g, 'HEX')
        .split('\n'),
    ).toEqual([
      'Settings',
      expect.stringMatching(/^ {2}✓ \.env {16}none in \/.*: the environment of the process is all there is$/),
      '  ✓ settings            port 0 of 127.0.0.1, no API keys, 1 upstream host',
      '',
      'Certificate',
      '  ✓ certificate         TOSS_PUBLIC_CRT: CN=my-mini-app, issued by CN=Throw-away Root CA, SHA-256 HEX',
      '  ✓ private key         TOSS_PRIVATE_KEY: EC, prime256v1',
      '  ✓ pair                the private key belongs to the certificate',
      `  ✓ dates               valid until ${END.toISOString().slice(0, 10)}, 100 days left`,
      '  ✓ chain               1 certificate',
      "  ✓ CA                  UPSTREAM_CA_B64: 1 certificate to trust instead of Node's own",
      '',
      env.UPSTREAM_HOSTS,
      expect.stringMatching(/^ {2}✓ DNS {17}(127\.0\.0\.1|::1)(, (127\.0\.0\.1|::1))?, in N ms$/),
      expect.stringMatching(/^ {2}✓ TCP {17}connected to (127\.0\.0\.1|::1) in N ms$/),
      '  ✓ TLS                 TLSv1.3, TLS_AES_256_GCM_SHA384, in N ms',
      '  ✓ server certificate  CN=localhost, issued by CN=Throw-away Root CA, 389 days left',
      '  ✓ our certificate     accepted: HEAD / was answered with HTTP 404 in N ms',
      "  ✓ clock               within 30 s of the server's",
      '',
      'All is well: 14 passed.',
      '',
    ]);
    expect(code).toBe(0);
  });

  test('with --json it says the same to a program', async () => {
    const { code, output } = await runDoctor({ ...GOOD_PAIR, TOSS_PRIVATE_KEY: '' }, { args: ['--json'] });
    expect(code).toBe(1);
    const { ok, checks } = JSON.parse(output);
    expect(ok).toBe(false);
    expect(checks).toContainEqual({
      section: 'Certificate',
      check: 'private key',
      state: 'failed',
      message: 'TOSS_PRIVATE_KEY_B64: this is not set. Set it, or TOSS_PRIVATE_KEY or TOSS_PRIVATE_KEY_FILE.',
    });
    expect(checks).toContainEqual({
      section: 'payment-api.invalid',
      check: 'TCP',
      state: 'skipped',
      message: 'an earlier step has failed',
    });
    expect(new Set(checks.map(({ state }: { state: string }) => state))).toEqual(new Set(['ok', 'failed', 'skipped']));

    const healthy = await runDoctor(await healthySettings(), { args: ['--json'] });
    expect([healthy.code, JSON.parse(healthy.output).ok]).toEqual([0, true]);
  });

  test('it takes no other options', async () => {
    const { code, output, stderr } = await runDoctor(GOOD_PAIR, { args: ['--jsn'] });
    expect([code, output, stderr]).toEqual([1, '', 'Usage: node dist/doctor.js [--json]\n']);
  });

  test('it tells everything that is wrong at once, and ends with exit code 1', async () => {
    const { code, output, section } = await runDoctor({
      PORT: 'x',
      RATE_LIMIT_PER_MINUTE: 'y',
      UPSTREAM_HOSTS: 'one.invalid,two.invalid',
      TOSS_PUBLIC_CRT: pair.certPem,
    });
    expect(code).toBe(1);
    expect(section('Settings').slice(1)).toEqual([
      '✗ settings PORT: write a whole number from 0 to 65535, digits only.',
      '✗ settings RATE_LIMIT_PER_MINUTE: write a whole number from 1 to 1000000, digits only.',
    ]);
    expect(section('Certificate')).toContain(
      '✗ private key TOSS_PRIVATE_KEY_B64: this is not set. Set it, or TOSS_PRIVATE_KEY or TOSS_PRIVATE_KEY_FILE.',
    );
    for (const host of ['one.invalid', 'two.invalid']) expect(section(host)[0]).toMatch(/^✗ DNS /);
    expect(output).toContain('\nNot well: 5 failed, 5 passed, 11 skipped.\n');
  });

  test('it runs while the service does, on the same port', async () => {
    const env = await healthySettings();
    const service = await startProcess({ env });
    const port = await service.ready();
    const { code, section } = await runDoctor({ ...env, PORT: String(port) });
    expect(section('Settings')).toContain(`✓ settings port ${port} of 127.0.0.1, no API keys, 1 upstream host`);
    expect(code).toBe(0);
  });
});

describe('settings', () => {
  const settingsOf = async (env: Environment, options?: Parameters<typeof runDoctor>[1]) => {
    const { section, directory, code } = await runDoctor({ ...NOWHERE, ...env }, options);
    return { lines: section('Settings').map((line) => line.replace(directory, 'DIRECTORY')), section, code };
  };

  test('.env is read, and the process wins', async () => {
    const files = { '.env': `PORT=4000\nPROXY_API_KEYS="shop:${'k'.repeat(40)}, app-2:${'m'.repeat(40)}"\n` };
    expect((await settingsOf({ PORT: '5000' }, { files })).lines).toEqual([
      expect.stringMatching(/^✓ \.env read in \/?.*DIRECTORY$/),
      '✓ settings port 5000 of 0.0.0.0, API keys: shop, app-2, 1 upstream host',
    ]);
  });

  test('.env should be for this user only', async () => {
    const prepare = (directory: string) => chmod(join(directory, '.env'), 0o644);
    expect((await settingsOf({}, { files: { '.env': '' }, prepare })).lines[0]).toBe(
      '! .env .env: other users can read this file. Run "chmod 600 .env".',
    );
  });

  test('.env that cannot be read stops everything', async () => {
    const prepare = (directory: string) => mkdir(join(directory, '.env'));
    const { lines, section, code } = await settingsOf({}, { prepare });
    expect(lines).toEqual(['✗ .env .env: this file is a directory. Mend it, or remove it.']);
    expect(section('Certificate')).toEqual([]);
    expect(code).toBe(1);
  });

  test('hosts that cannot be read cannot be asked', async () => {
    const { lines, section } = await settingsOf({ UPSTREAM_HOSTS: 'https://pay.example' });
    expect(lines[1]).toBe('✗ settings UPSTREAM_HOSTS: entry 1 has a scheme. Write "host" or "host:port" only.');
    expect(section('Upstream hosts')).toEqual(['– UPSTREAM_HOSTS see the settings']);
  });
});
