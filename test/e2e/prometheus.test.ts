import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, expect, test } from 'vitest';
import { createAuthority } from '../../scripts/pki.ts';
import { post } from '../support/caller.ts';
import { directoryWith } from './support/files.ts';
import { startNginx } from './support/nginx.ts';
import { findPort } from './support/port.ts';
import { listening, startProgram } from './support/program.ts';
import { startProxy } from './support/proxy.ts';

const run = promisify(execFile);
const MONITORING = fileURLToPath(new URL('../../docs/monitoring/', import.meta.url));

interface Reply {
  readonly status: string;
  readonly data: {
    readonly result: readonly { readonly value: readonly [number, string] }[];
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  };
}

interface Rule {
  readonly name: string;
  readonly health: string;
}

let metricsPort: number;
let upstreamPort: number;

beforeEach(async () => {
  const authority = await createAuthority();
  metricsPort = await findPort();
  ({ port: upstreamPort } = await startNginx({ authority, location: 'return 200 ok;' }));
  const { port } = await startProxy({ authority, upstreamPort, settings: { METRICS_PORT: String(metricsPort) } });
  const { status } = await post(port, { method: 'GET', path: '/' });
  expect(status).toBe(200);
});

test('promtool finds nothing wrong with the metrics of the running service', async () => {
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const directory = await directoryWith({ metrics });
  // What prom-client itself names against the convention is not ours to mend.
  const { stdout } = await run('sh', ['-c', `promtool check metrics < ${directory}/metrics 2>&1 || true`]);
  expect(stdout.split('\n').filter((line) => /^(proxy|upstream|client)_/.test(line))).toEqual([]);
});

test('the alert rules fire when they should, and not before', async () => {
  await run('promtool', ['test', 'rules', 'alerts.test.yml'], { cwd: MONITORING });
});

test('Prometheus scrapes the service, and every query of the dashboard and every alert can be evaluated', async () => {
  const port = await findPort();
  const directory = await directoryWith({
    'prometheus.yml': `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ['${MONITORING}alerts.yml']
scrape_configs:
  - job_name: toss-mtls-proxy
    static_configs: [{ targets: ['127.0.0.1:${metricsPort}'] }]
`,
  });
  const prometheus = await startProgram(
    'prometheus',
    ['--config.file=prometheus.yml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`],
    { cwd: directory },
  );
  await listening(prometheus, port);
  const ask = async (path: string): Promise<Reply> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    // Prometheus's own format, of which only these fields are looked at.
    return (await response.json()) as Reply;
  };
  const query = async (expression: string) => ask(`query?query=${encodeURIComponent(expression)}`);

  await expect.poll(async () => (await query('up')).data.result[0]?.value[1], { timeout: 30_000 }).toBe('1');
  const dashboard = JSON.parse(await readFile(`${MONITORING}dashboard.json`, 'utf8'));
  const expressions: string[] = dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr.replaceAll('$job', '.*')),
  );
  expect(expressions.length).toBeGreaterThan(10);
  for (const expression of expressions) {
    expect(await query(expression), expression).toMatchObject({ status: 'success' });
    for (const [metric] of expression.matchAll(/\b(?:proxy|upstream|client|process)_\w+(?=\{)/g)) {
      expect((await query(metric)).data.result, `${metric} is a metric of the service`).not.toEqual([]);
    }
  }
  const rules = async () => (await ask('rules')).data.groups[0]?.rules ?? [];
  await expect
    .poll(async () => (await rules()).map(({ health }) => health), { timeout: 30_000 })
    .toEqual(Array(7).fill('ok'));
});
