import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { post } from '../../support/caller.ts';
import { settleLoopback } from '../../support/event-loop.ts';
import { callRaw } from '../../support/raw-caller.ts';
import { startService } from '../../support/service.ts';
import { onRequest, startUpstream } from '../../support/upstream.ts';
import { newKey } from './door.ts';
import { answersIn } from './raw.ts';

/** What cannot be read, or is none of ours, after a call that can. */
const GARBAGE: Readonly<Record<string, string>> = {
  'bytes that are no HTTP': 'GARBAGE\0\r\n\r\n',
  'a megabyte of them': 'GARBAGE\0'.repeat(131_072),
  'a request with two lengths': 'POST /proxy HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
  'a header that is too large': `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
  'a CONNECT': 'CONNECT pay.example:443 HTTP/1.1\r\nHost: pay.example:443\r\n\r\nbytes for the tunnel',
};

/** A service before a payment API that holds its answers until a test lets them go; each answer says which path it is for. */
async function holdAnswers() {
  const authority = await createAuthority();
  const held: (() => void)[] = [];
  let onHeld: () => void = () => undefined;
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, (request) => {
      const path = /^POST (\S+)/.exec(request)?.[1] ?? '';
      held.push(() => connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`));
      onHeld();
    });
  });
  const key = newKey();
  const settings = { PROXY_API_KEYS: `shop:${key}`, HOST: '127.0.0.1' };
  const service = await startService({ authority, upstreamPorts: [upstream.port], settings });
  onTestFinished(async () => {
    await service.close();
    await upstream.close();
  });
  const call = (path: string) => {
    const envelope = JSON.stringify({ method: 'POST', path });
    const length = `Content-Length: ${envelope.length}`;
    const head = ['POST /proxy HTTP/1.1', 'Host: x', `Authorization: Bearer ${key}`, 'Content-Type: application/json'];
    return `${[...head, length].join('\r\n')}\r\n\r\n${envelope}`;
  };
  return {
    port: service.port,
    pass: { Authorization: `Bearer ${key}` },
    service,
    upstream,
    call,
    held,
    /** Resolves when so many requests are at the payment API. */
    holds: (count: number) =>
      new Promise<void>((resolve) => {
        onHeld = () => {
          if (held.length >= count) resolve();
        };
        onHeld();
      }),
  };
}

async function isOpen(port: number): Promise<boolean> {
  try {
    (await callRaw(port)).socket.destroy();
    return true;
  } catch {
    return false;
  }
}

test('two calls on one connection are answered in their order, whichever is done first', async () => {
  const scene = await holdAnswers();
  const caller = await callRaw(scene.port);

  await caller.send(scene.call('/first') + scene.call('/second'));
  await scene.holds(2);
  for (const answer of [...scene.held].reverse()) answer();
  await caller.reads(/\/first.*\/second/s);

  const answers = answersIn(caller.text);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(answers.map(({ headers }) => headers['proxy-outcome'])).toEqual(['answered', 'answered']);
});

test.each(Object.keys(GARBAGE))('%s after a payment is never answered in its place', async (name) => {
  const scene = await holdAnswers();
  const caller = await callRaw(scene.port);

  await caller.send(scene.call('/pay'), GARBAGE[name] ?? '');
  await scene.holds(1);
  expect(caller.text).toBe('');
  scene.held[0]?.();

  const [answer, ...others] = answersIn(await caller.ended);
  expect(answer).toMatchObject({ status: 200, body: '/pay', headers: { 'proxy-outcome': 'answered' } });
  expect(others).toEqual([]);
  expect(scene.upstream.received.split('POST ')).toHaveLength(2);
});

test('garbage after two payments waits for both answers', async () => {
  const scene = await holdAnswers();
  const caller = await callRaw(scene.port);

  await caller.send(`${scene.call('/first')}${scene.call('/second')}GARBAGE\0\r\n\r\n`);
  await scene.holds(2);
  for (const answer of scene.held) answer();

  expect(
    answersIn(await caller.ended)
      .map(({ body }) => body)
      .sort(),
  ).toEqual(['/first', '/second']);
});

test('a second request that breaks off in its body is refused after the answer to the first', async () => {
  const scene = await holdAnswers();
  const caller = await callRaw(scene.port);

  const broken = scene
    .call('/second')
    .replace(/Content-Length: \d+\r\n\r\n.*/, 'Transfer-Encoding: chunked\r\n\r\nzz\r\n');
  await caller.send(scene.call('/first') + broken);
  await scene.holds(1);
  scene.held[0]?.();

  const answers = answersIn(await caller.ended);
  expect(answers.map(({ status }) => status)).toEqual([200, 400]);
  expect(answers.map(({ headers }) => headers['proxy-outcome'])).toEqual(['answered', 'not_processed']);
  expect(scene.upstream.received).not.toContain('/second');
});

test.each(Object.keys(GARBAGE))(
  'a caller that sends %s after a payment and resets the connection disturbs nobody',
  async (name) => {
    const scene = await holdAnswers();
    const caller = await callRaw(scene.port);

    await caller.send(scene.call('/pay'), GARBAGE[name] ?? '');
    await scene.holds(1);
    caller.socket.resetAndDestroy();
    const other = post(scene.port, { method: 'POST', path: '/other' }, { headers: scene.pass });
    await scene.holds(2);
    for (const answer of scene.held) answer();

    expect((await other).status).toBe(200);
    const lines = await scene.service.callLines(2);
    expect(lines.find(({ path }) => path === '/pay')).toMatchObject({ outcome: 'answered' });
  },
);

test('a call is not made where its answer could not follow, after one that will end the connection', async () => {
  const scene = await holdAnswers();
  const caller = await callRaw(scene.port);

  await caller.send(scene.call('/first'));
  await scene.holds(1);
  const drained = scene.service.service.drain(0);
  await expect.poll(() => isOpen(scene.port)).toBe(false);
  await caller.send(scene.call('/second'));
  scene.held[0]?.();

  expect(answersIn(await caller.ended).map(({ body }) => body)).toEqual(['/first']);
  expect(await drained).toBe(true);
  expect(scene.upstream.received).not.toContain('/second');
});

test.each([
  { way: 'HTTP/1.0', head: 'GET / HTTP/1.0\r\n\r\n' },
  { way: 'Connection: close', head: 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' },
])('after an answer that ends the connection ($way) there is no other, whatever follows', async ({ head }) => {
  const { port, call, upstream } = await holdAnswers();
  const said = await sayAll(port, head + call('/after-the-end'));
  expect(said.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 200']);
  expect(upstream.received).toBe('');
});

/** Says all of it at once. Resolves with what was answered until the connection ended. */
function sayAll(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
    socket.write(text);
  });
}

test('the answer to a request that asks for an upgrade ends the connection, so that no call behind it hangs', async () => {
  const { port, call } = await holdAnswers();
  const said = await sayAll(
    port,
    `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n${call('/lost')}`,
  );
  expect(said).toContain('Connection: close');
  expect(said.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 200']);
});

test('a call that waits behind another has its log line, too, when the connection is reset', async () => {
  const { port, call, held, holds, service } = await holdAnswers();
  const socket = connect(port, '127.0.0.1');
  socket.write(call('/first') + call('/second'));
  await holds(2);

  socket.resetAndDestroy();
  for (const answer of held) answer();

  const lines = await service.callLines(2);
  expect(lines.map(({ path }) => path).sort()).toEqual(['/first', '/second']);
  expect(lines.map(({ outcome }) => outcome)).toEqual(['answered', 'answered']);
});

test('an answer that still waits behind another when the caller leaves is not logged as given', async () => {
  const { port, call, held, holds, service } = await holdAnswers();
  const caller = await callRaw(port);
  await caller.send(call('/first'));
  await holds(1);
  await caller.send(call('/second'));
  await holds(2);
  held[1]?.();
  await settleLoopback();

  caller.socket.resetAndDestroy();
  await settleLoopback();
  held[0]?.();

  for (const line of await service.callLines(2)) {
    expect(line).toMatchObject({ outcome: 'answered', callerGone: true });
    expect(line).not.toHaveProperty('status');
  }
});

test('a call that waits behind another is not told to go on in the middle of the answers', async () => {
  const { port, call, held, holds } = await holdAnswers();
  const patient = call('/second').replace('Host: x', 'Host: x\r\nExpect: 100-continue\r\nConnection: close');
  const said = sayAll(port, call('/first') + patient);
  await holds(2);
  for (const answer of held) answer();
  expect((await said).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
});

test('any number of calls may wait behind each other without a warning', async () => {
  const { port, call, held, holds } = await holdAnswers();
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));

  const caller = await callRaw(port);
  await caller.send(Array.from({ length: 20 }, (_, at) => call(`/${at}`)).join(''));
  await holds(20);
  for (const answer of held) answer();
  await caller.reads(/(HTTP\/1\.1 200.*){20}/s);

  expect(warnings).toEqual([]);
});
