import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { startProcess } from '../support/service-process.ts';
import { onRequest, startUpstream } from '../support/upstream.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';

interface Span {
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly spanId: string;
  readonly name: string;
}

/** An OTLP/HTTP receiver that keeps the spans it is sent. */
async function startReceiver(): Promise<{ readonly url: string; readonly spans: readonly Span[] }> {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString());
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  // A TCP server's address is one.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans };
}

test("a call's span and those of its phases join the caller's trace, and the payment API is sent nothing of it", async () => {
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
  onTestFinished(() => upstream.close());
  const client = await authority.issue();
  const receiver = await startReceiver();
  const service = await startProcess({
    env: {
      TOSS_PUBLIC_CRT: client.certPem,
      TOSS_PRIVATE_KEY: client.keyPem,
      UPSTREAM_CA_B64: Buffer.from(authority.certPem).toString('base64'),
      UPSTREAM_HOSTS: `localhost:${upstream.port}`,
      UPSTREAM_WARM_CONNECTIONS: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      PORT: '0',
    },
  });
  const port = await service.ready();

  await post(
    port,
    { method: 'GET', path: '/status?secret=1' },
    { headers: { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` } },
  );
  expect(await service.line('call')).toMatchObject({ traceId: TRACE_ID, parentSpanId: SPAN_ID });
  service.child.kill('SIGTERM');
  expect(await service.exit).toEqual({ code: 0, signal: null });

  const call = receiver.spans.find(({ name }) => name === 'POST /proxy');
  expect(call).toMatchObject({ traceId: TRACE_ID, parentSpanId: SPAN_ID });
  const phases = receiver.spans.filter(({ parentSpanId }) => parentSpanId === call?.spanId);
  expect(phases.map(({ name }) => name)).toEqual(['dns', 'tcp', 'tls', 'send', 'wait', 'receive']);
  expect(JSON.stringify(receiver.spans)).not.toContain('secret');
  expect(upstream.received).not.toMatch(/traceparent|0af7651916cd43dd/i);
});

test('a receiver that is away costs no call and delays no end', async () => {
  const authority = await createAuthority();
  const client = await authority.issue();
  const service = await startProcess({
    env: {
      TOSS_PUBLIC_CRT: client.certPem,
      TOSS_PRIVATE_KEY: client.keyPem,
      UPSTREAM_HOSTS: 'localhost:1',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      PORT: '0',
    },
  });
  const answer = await post(await service.ready(), { method: 'GET', path: '/' });
  expect(answer.headers['proxy-outcome']).toBe('not_processed');
  service.child.kill('SIGTERM');
  expect(await service.exit).toEqual({ code: 0, signal: null });
});
