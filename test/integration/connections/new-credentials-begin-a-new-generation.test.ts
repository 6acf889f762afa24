import { expect, test } from 'vitest';
import { until } from '../../support/event-loop.ts';
import { answerOk, issueCredentials, setPoolScene } from '../../support/pool.ts';
import { gone, onRequest, type UpstreamConnection } from '../../support/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** The common names of the certificates that a server has seen, by connection. */
type Names = unknown[];

const noteName = (names: Names, { socket }: UpstreamConnection) => {
  names.push(socket.getPeerCertificate().subject?.CN);
};

test('the next call shows the new certificate, and idle connections with the old one are closed', async () => {
  const names: Names = [];
  const { authority, pool, call, connections, status } = await setPoolScene({}, (connection) => {
    noteName(names, connection);
    answerOk(connection);
  });
  await call();
  await until(() => status().idle === 1);
  const closed = connections.map(gone);

  pool.adopt(await issueCredentials(authority, 'second'));
  const trace = await call();

  await Promise.all(closed);
  expect(trace).toMatchObject({ outcome: 'answered', reused: false });
  expect(names).toEqual(['first', 'second']);
});

test('a call in flight finishes on its connection, which is closed after it', async () => {
  const names: Names = [];
  const waiting: UpstreamConnection[] = [];
  const { authority, pool, begin, call, status } = await setPoolScene({}, (connection) => {
    noteName(names, connection);
    onRequest(connection, () => waiting.push(connection));
  });
  const inFlight = begin();
  await until(() => waiting.length === 1);
  const [old] = waiting;
  if (old === undefined) throw new Error('there was no request');

  pool.adopt(await issueCredentials(authority, 'second'));
  const closed = gone(old);
  old.socket.write(OK);
  await inFlight.ended;
  await closed;

  expect(inFlight.trace.outcome).toBe('answered');
  const next = call();
  await until(() => waiting.length === 2);
  waiting[1]?.socket.write(OK);
  expect((await next).reused).toBe(false);
  expect(names).toEqual(['first', 'second']);
  await until(() => status().idle === 1);
});

test('warm connections are made anew at once, though a call still holds an old one', async () => {
  const names: Names = [];
  const { authority, pool, begin, status } = await setPoolScene({ warmConnections: 1 }, (connection) => {
    noteName(names, connection);
  });
  pool.keepWarm();
  await until(() => status().idle === 1);
  begin();
  await until(() => status().busy === 1);

  pool.adopt(await issueCredentials(authority, 'second'));

  await until(() => status().idle === 1);
  expect(status()).toMatchObject({ busy: 1, opening: 0 });
  expect(names).toEqual(['first', 'second']);
});

test('a connection that was being made with the old ones, for nobody yet, is given up', async () => {
  const names: Names = [];
  const { authority, pool, status } = await setPoolScene({ warmConnections: 1 }, (connection) => {
    noteName(names, connection);
  });
  const second = await issueCredentials(authority, 'second');
  pool.keepWarm();

  pool.adopt(second);

  await until(() => status().idle === 1);
  expect(names).toEqual(['second']);
});

test('no connection resumes the session of another', async () => {
  const resumed: boolean[] = [];
  const { call } = await setPoolScene({ idleTimeoutMs: 0 }, (connection) => {
    resumed.push(connection.socket.isSessionReused());
    answerOk(connection);
  });

  for (let times = 0; times < 4; times += 1) await call();

  expect(resumed).toEqual([false, false, false, false]);
});
