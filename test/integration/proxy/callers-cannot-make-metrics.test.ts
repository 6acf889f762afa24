import { expect, test } from 'vitest';
import { startProxyBefore } from '../../support/proxy-before.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('whatever callers send, the names in the metrics are ours: a series for each would fill the memory', async () => {
  const key = 'k'.repeat(32);
  const proxy = await startProxyBefore(OK, { PROXY_API_KEYS: `shop:${key}`, METRICS_PORT: '0' });
  const headers = (index: number) => ({ Authorization: `Bearer ${key}`, 'X-Request-Id': `id-${index}` });

  for (let index = 0; index < 5; index += 1) {
    await proxy.post({ method: `M${index}`, path: '/x' }, { headers: headers(index) });
    await proxy.post({ method: 'GET', path: '/x', hostname: `h${index}.example` }, { headers: headers(index) });
    await proxy.post({ method: 'get', path: `/x/${index}` }, { headers: headers(index) });
    await proxy.post({}, { headers: { Authorization: `Bearer ${index}` }, path: `/proxy?${index}` });
    await proxy.post({}, { method: ['PUT', 'PATCH', 'DELETE', 'LOCK', 'PURGE'][index] ?? 'PUT' });
  }
  await proxy.service.callLines(25);

  const port = proxy.service.log.find(({ msg }) => msg === 'metrics')?.port;
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const target = `localhost:${proxy.upstream.port}`;
  expect(metrics.match(/^proxy_requests_total\{.*/gm)?.sort()).toEqual([
    'proxy_requests_total{caller="",target="",method="",status="401",outcome="not_processed"} 5',
    'proxy_requests_total{caller="",target="",method="",status="405",outcome="not_processed"} 5',
    'proxy_requests_total{caller="shop",target="",method="",status="400",outcome="not_processed"} 5',
    'proxy_requests_total{caller="shop",target="",method="GET",status="403",outcome="not_processed"} 5',
    `proxy_requests_total{caller="shop",target="${target}",method="GET",status="200",outcome="answered"} 5`,
  ]);
});
