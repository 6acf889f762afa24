/**
 * `npm run demo`: the sandbox, the service, and a story of eight calls between them. In a terminal, or with `-- --stay`, they
 * go on running until Ctrl-C, so that calls can be tried by hand; with `-- --once` they never do. Exits with 1 when a call
 * ends otherwise than the story says.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readOptions } from './command-line.ts';
import { callProxy } from './demo/caller.ts';
import { formatCurl } from './demo/curl.ts';
import { createPainter } from './demo/paint.ts';
import { findFreePort, type Service, startService } from './demo/service.ts';
import { PAID_ORDER, payment, tellStory } from './demo/story.ts';
import { makeCertificates } from './sandbox/certificates.ts';
import { createSandbox, type Sandbox } from './sandbox/server.ts';

const options = readOptions('npm run demo -- [--once | --stay]', {
  once: { type: 'boolean' },
  stay: { type: 'boolean' },
});
const staysUp = !options.once && (options.stay || process.stdout.isTTY === true);
const painter = createPainter(process.stdout.isTTY === true && !process.env.NO_COLOR);
const print = (text: string) => console.log(text);

const certificates = await makeCertificates();
const directory = mkdtempSync(path.join(tmpdir(), 'toss-mtls-proxy-'));
let service: Service | undefined;
let interrupted = false;
let exitCode = 130;

process.once('exit', () => {
  service?.kill();
  certificates.remove();
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = true;
    void end();
  });
}

try {
  await run(await createSandbox({ authority: certificates.authority }));
  exitCode = 0;
} catch (error) {
  if (!interrupted) {
    exitCode = 1;
    console.error(`\nThe demo has failed. ${error instanceof Error ? error.message : error}`);
  }
}
if (!interrupted) await end();

async function end(): Promise<void> {
  await service?.stop();
  process.exit(exitCode);
}

async function run(sandbox: Sandbox): Promise<void> {
  const apiKey = randomBytes(24).toString('base64url');
  const deadHost = `localhost:${await findFreePort()}`;
  const { url, ended } = await start(settingsFor(sandbox, deadHost, apiKey));
  print(`
${painter.title('One order, paid through a client certificate that only the proxy holds')}

  demo --HTTP--> toss-mtls-proxy --HTTPS + client certificate--> sandbox
                 ${new URL(url).host.padEnd(15)}                        ${sandbox.host}
`);
  await tellStory({ call: (envelope) => callProxy(url, apiKey, envelope), print, painter, deadHost });
  checkLedger(sandbox);
  if (!staysUp) return;

  const query = payment('get-payment-status', { orderNo: PAID_ORDER, isTestPayment: true });
  print(`
${painter.title('Try it yourself')}, in another terminal, while this keeps running (Ctrl-C ends it):

${formatCurl(url, apiKey, query)}
`);
  exitCode = 0;
  await ended;
  throw new Error('The service has ended.');
}

/** On 3001 if it is free; and on another port if somebody takes that one meanwhile. */
async function start(settings: Record<string, string>): Promise<Service> {
  try {
    service = startService(await findFreePort(3001), settings, directory);
    await service.ready;
  } catch {
    service = startService(await findFreePort(), settings, directory);
    await service.ready;
  }
  return service;
}

/** Connections are not held ready here, so that the first call shows its handshake. */
function settingsFor(sandbox: Sandbox, deadHost: string, apiKey: string): Record<string, string> {
  return {
    ...certificates.settings,
    UPSTREAM_HOSTS: `${sandbox.host},${deadHost}`,
    UPSTREAM_WARM_CONNECTIONS: '0',
    PROXY_API_KEYS: `demo:${apiKey}`,
    NODE_ENV: 'production',
  };
}

/** What the payment API has seen must be what the story told: no call more, none twice. */
function checkLedger({ ledger }: Sandbox): void {
  const processed = ledger.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)).join(' ');
  const told =
    'make-payment execute-payment get-payment-status refund-payment make-payment execute-payment get-payment-status';
  if (processed !== told) throw new Error(`The sandbox has processed other calls than the story's:\n${processed}`);
  print(`The sandbox has processed ${ledger.length} calls, each of them once; the third order is not
among them. Each came with the client certificate "${ledger[0]?.client}".`);
}
