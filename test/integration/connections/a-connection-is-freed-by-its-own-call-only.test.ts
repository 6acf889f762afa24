import { once } from 'node:events';
import type { Agent } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { ConnectionPool, type PooledOptions } from '../../../src/upstream/pool.ts';
import { Trace } from '../../../src/upstream/trace.ts';
import { issueCredentials, setPoolScene } from '../../support/pool.ts';
import { onRequest } from '../../support/upstream.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

// Node 20 says `free` without a look at whose connection it is: once when an answer has been read, and once more when the
// request has left, should it hold that the request had not left before.
test('a connection that is called free while a call is on gets no other call', async () => {
  const { authority, upstream, connections } = await setPoolScene({}, (connection) => {
    onRequest(connection, (request) => {
      if (!request.startsWith('GET /slow')) connection.socket.write(ANSWER);
    });
  });
  const { upstreamHosts } = loadConfig({ UPSTREAM_HOSTS: `localhost:${upstream.port}` });
  const [host] = upstreamHosts;
  if (host === undefined) throw new Error('UPSTREAM_HOSTS has no host');
  const pool = new ConnectionPool(await issueCredentials(authority, 'client'), {
    hosts: upstreamHosts,
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 30_000,
    warmConnections: 0,
  });
  const begin = (path: string) => {
    // What the exchange hands over, too.
    const options = { agent: pool as unknown as Agent, host: host.hostname, port: host.port, path, upstream: host };
    const whole: typeof options & PooledOptions = { ...options, trace: new Trace() };
    const request = httpsRequest(whole).on('error', () => undefined);
    request.end();
    return request;
  };
  const slow = begin('/slow');
  const [socket] = await once(slow, 'socket');
  await once(slow, 'finish');

  socket.emit('free');
  const [other] = await once(begin('/other'), 'response');

  expect(other.socket).not.toBe(socket);
  expect(connections).toHaveLength(2);
  other.resume();
  pool.close();
});
