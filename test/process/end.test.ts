import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { createAuthority } from '../../scripts/pki.ts';
import { callRaw, type RawCaller, rawCall } from '../support/raw-caller.ts';
import { environmentFor, type LogLine } from '../support/service.ts';
import { type ServiceProcess, startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../support/upstream.ts';

const PAYMENT = { method: 'POST', path: '/pay', body: { amount: 1 } };
const PAID = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npaid';
/** Longer than any test: what is over sooner did not wait for it. */
const FOR_EVER = '600000';

interface Stage {
  readonly service: ServiceProcess;
  readonly port: number;
  /** A caller whose payment the payment API has read and not answered, with the connection that it went over. */
  pay(path?: string): Promise<{ readonly caller: RawCaller; readonly payment: UpstreamConnection }>;
}

/** The built service before a payment API that answers when the test says so. */
async function setStage(settings: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const authority = await createAuthority();
  const arrivals: ((connection: UpstreamConnection) => void)[] = [];
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => arrivals.shift()?.(connection));
  });
  onTestFinished(() => upstream.close());
  const env = await environmentFor({ authority, upstreamPorts: [upstream.port], settings });
  const service = await startProcess({ env });
  const port = await service.ready();
  return {
    service,
    port,
    pay: async (path = PAYMENT.path) => {
      const arrival = new Promise<UpstreamConnection>((resolve) => arrivals.push(resolve));
      const caller = await callRaw(port);
      await caller.send(rawCall(JSON.stringify({ ...PAYMENT, path })));
      return { caller, payment: await arrival };
    },
  };
}

/** Resolves when nobody new is let in any more. */
async function untilClosed(port: number): Promise<void> {
  for (;;) {
    const caller = await callRaw(port).catch(() => undefined);
    if (caller === undefined) return;
    caller.socket.destroy();
  }
}

/** The texts of its log lines, less those about connections. */
function story({ log }: ServiceProcess): unknown[] {
  return log.map(({ msg }) => msg).filter((msg) => msg !== 'handshake completed');
}

async function health(port: number): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: 'close' } });
  return { status: answer.status, body: await answer.json() };
}

describe.each(['SIGTERM', 'SIGINT'] as const)('on %s', (signal) => {
  test('calls in flight come to their end, on a connection that then closes, and the exit code is 0', async () => {
    const { service, port, pay } = await setStage();
    const { caller, payment } = await pay();

    service.child.kill(signal);
    await untilClosed(port);
    payment.socket.write(PAID);

    const answer = await caller.ended;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nConnection: close\r\n[\s\S]*paid$/);
    expect(await service.exit).toEqual({ code: 0, signal: null });
    expect(story(service)).toEqual(['ready', 'draining', 'call', 'drained']);
    expect(await service.line('draining')).toMatchObject({ signal });
    expect(await service.line('call')).toMatchObject({ status: 200, outcome: 'answered' });
    expect(service.stderr).toBe('');
  });

  test('it ends at once if nothing is in flight, whatever connections are idle', async () => {
    const { service, port } = await setStage({ SHUTDOWN_TIMEOUT_MS: FOR_EVER });
    const idle = await callRaw(port);
    await idle.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await idle.reads(/"status":"ok"/);

    service.child.kill(signal);

    expect(await service.exit).toEqual({ code: 0, signal: null });
  });
});

describe('while it drains', () => {
  test('a call on a connection that was open before is served', async () => {
    const { service, port, pay } = await setStage();
    const { caller, payment } = await pay();
    const late = await callRaw(port);

    service.child.kill('SIGTERM');
    await untilClosed(port);
    await late.send(rawCall('not json'));

    expect(await late.ended).toMatch(/^HTTP\/1\.1 400 [\s\S]*\r\nConnection: close\r\n/);
    payment.socket.write(PAID);
    await caller.ended;
    expect(await service.exit).toEqual({ code: 0, signal: null });
  });

  test('a connection on which nothing was ever asked does not hold the end up', async () => {
    const { service, port } = await setStage({ SHUTDOWN_TIMEOUT_MS: FOR_EVER });
    const silent = await callRaw(port);
    const halfway = await callRaw(port);
    await halfway.send('POST /proxy HTTP/1.1\r\nHost: x\r\n');

    service.child.kill('SIGTERM');

    expect(await service.exit).toEqual({ code: 0, signal: null });
    expect(await silent.ended).toBe('');
    expect(await halfway.ended).toBe('');
    expect(story(service)).toEqual(['ready', 'draining', 'drained']);
  });

  test('neither does the connection of an answer whose head had gone out before', async () => {
    const { service, pay, port } = await setStage({ SHUTDOWN_TIMEOUT_MS: FOR_EVER });
    const { caller, payment } = await pay();
    payment.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(100_000)}`);
    await caller.reads(/\r\n\r\nx/);

    service.child.kill('SIGTERM');
    await untilClosed(port);
    payment.socket.write('x'.repeat(100_000));

    expect(await service.exit).toEqual({ code: 0, signal: null });
    expect((await caller.ended).split('\r\n\r\n')[1]).toHaveLength(200_000);
    expect(await service.line('call')).toMatchObject({
      outcome: 'answered',
      bytesReceived: 200_000,
    });
  });

  test('a payment whose caller is gone is waited for, too', async () => {
    const { service, port, pay } = await setStage();
    const { caller, payment } = await pay();
    caller.socket.destroy();

    service.child.kill('SIGTERM');
    await untilClosed(port);
    payment.socket.write(PAID);

    expect(await service.exit).toEqual({ code: 0, signal: null });
    expect(await service.line('call')).toMatchObject({ outcome: 'answered', callerGone: true });
  });
});

describe('SHUTDOWN_DELAY_MS', () => {
  test('on SIGTERM, GET / says 503 while calls are served as before', async () => {
    const { service, port, pay } = await setStage({ SHUTDOWN_DELAY_MS: FOR_EVER });
    expect(await health(port)).toMatchObject({ status: 200, body: { status: 'ok' } });

    service.child.kill('SIGTERM');
    await service.line('draining');

    expect(await health(port)).toMatchObject({ status: 503, body: { status: 'draining', service: 'Toss mTLS Proxy' } });
    const { caller, payment } = await pay();
    payment.socket.write(PAID);
    const [answer] = await caller.reads(/^HTTP\/1\.1 200 OK\r\n[\s\S]*paid$/);
    expect(answer).toContain('\r\nConnection: keep-alive\r\n');
  });

  test('and then the listener closes', async () => {
    const { service } = await setStage({ SHUTDOWN_DELAY_MS: '50' });

    service.child.kill('SIGTERM');

    expect(await service.exit).toEqual({ code: 0, signal: null });
  });

  test('on SIGINT there is none', async () => {
    const { service } = await setStage({ SHUTDOWN_DELAY_MS: FOR_EVER });

    service.child.kill('SIGINT');

    expect(await service.exit).toEqual({ code: 0, signal: null });
  });
});

describe('what cannot be waited for is cut, and logged with what is known of it', () => {
  const expectCut = (line: LogLine) => {
    expect(line).toMatchObject({ level: 40, outcome: 'unknown', wasCut: true, path: '/pay' });
    for (const field of ['status', 'callerGone']) expect(line).not.toHaveProperty(field);
  };

  test('at the end of SHUTDOWN_TIMEOUT_MS', async () => {
    const { service, pay } = await setStage({ SHUTDOWN_TIMEOUT_MS: '100' });
    const { caller } = await pay();

    service.child.kill('SIGTERM');

    expect(await service.exit).toEqual({ code: 1, signal: null });
    expect(await caller.ended).toBe('');
    expect(story(service)).toEqual([
      'ready',
      'draining',
      'call',
      'SHUTDOWN_TIMEOUT_MS is over: calls in flight were cut',
    ]);
    expectCut(await service.line('call'));
  });

  const second = ['ready', 'draining', 'call', 'call', 'second signal: calls in flight were cut'];

  test('at another signal', async () => {
    const { service, pay } = await setStage();
    await pay();
    await pay();

    service.child.kill('SIGTERM');
    await service.line('draining');
    service.child.kill('SIGINT');

    expect(await service.exit).toEqual({ code: 1, signal: null });
    expect(story(service)).toEqual(second);
    for (const line of service.log.filter(({ msg }) => msg === 'call')) expectCut(line);
  });

  test('at the same signal, once it cannot be an echo of the first', async () => {
    const { service, pay } = await setStage();
    await pay();
    await pay();

    service.child.kill('SIGTERM');
    await service.line('draining');
    const impatience = setInterval(() => service.child.kill('SIGTERM'), 100);
    onTestFinished(() => clearInterval(impatience));

    expect(await service.exit).toEqual({ code: 1, signal: null });
    expect(story(service)).toEqual(second);
  });

  test('however many there are, and however long their lines', async () => {
    const { service, pay } = await setStage();
    const paths = Array.from({ length: 150 }, (_, at) => `/${at}`.padEnd(8_000, '-'));
    await Promise.all(paths.map((path) => pay(path)));

    service.child.kill('SIGTERM');
    await service.line('draining');
    service.child.kill('SIGINT');

    expect(await service.exit).toEqual({ code: 1, signal: null });
    const cut = service.log.filter(({ msg }) => msg === 'call').map(({ path }) => path);
    expect(cut.sort()).toEqual(paths.sort());
  });

  test('and so is a refused call whose caller is still sending', async () => {
    const { service, port } = await setStage();
    const caller = await callRaw(port);
    await caller.send(rawCall('x'.repeat(1_000)).replace('application/json', 'text/plain').slice(0, -999));
    await caller.reads(/^HTTP\/1\.1 415 /);

    service.child.kill('SIGTERM');
    await service.line('draining');
    service.child.kill('SIGINT');

    expect(await service.exit).toEqual({ code: 1, signal: null });
    expect(await service.line('call')).toMatchObject({ status: 415, outcome: 'not_processed', wasCut: true });
  });
});

describe('under npm start', () => {
  test('Ctrl-C, which comes from the terminal and from npm, cuts no call', async () => {
    const { service, port, pay } = await setStage();
    const { caller, payment } = await pay();

    service.child.kill('SIGINT');
    await service.line('draining');
    service.child.kill('SIGINT');
    await untilClosed(port);
    payment.socket.write(PAID);

    expect(await caller.ended).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*paid$/);
    expect(await service.exit).toEqual({ code: 0, signal: null });
  });

  test("a signal reaches the service, since npm's shell gives way to it", async () => {
    const directory = await mkdtemp(join(tmpdir(), 'toss-mtls-proxy-test-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'node'), '#!/bin/sh\necho $$\n', { mode: 0o755 });

    const shell = spawn('/bin/sh', ['-c', manifest.scripts.start], { env: { PATH: directory } });

    expect(Number(await text(shell.stdout))).toBe(shell.pid);
  });
});
