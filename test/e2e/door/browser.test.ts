import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../../../scripts/pki.ts';
import { type LogLine, type RunningService, startService } from '../../support/service.ts';
import { onRequest, startUpstream, type Upstream } from '../../support/upstream.ts';

const PAYMENT = JSON.stringify({ method: 'POST', path: '/pay', body: { amount: 1 } });

let browser: Browser;
let service: RunningService;
let upstream: Upstream;
/** Serves an empty page on every address of this machine's loopback interface. */
let pagePort: number;
const pages = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html');
  response.end('<!doctype html><title>A page</title>');
});

beforeAll(async () => {
  const authority = await createAuthority();
  upstream = await startUpstream(authority, ({ socket, ...rest }) => {
    onRequest({ socket, ...rest }, () =>
      socket.write('HTTP/1.1 201 Created\r\nContent-Length: 13\r\nAccess-Control-Allow-Origin: *\r\n\r\n{"paid":1000}'),
    );
  });
  // Without keys, as on a developer's machine: only the check of the origin stands between a page and the money.
  service = await startService({ authority, upstreamPorts: [upstream.port] });
  pages.listen(0, '127.0.0.1');
  await once(pages, 'listening');
  // It listens on a port, so its address is not a path.
  pagePort = (pages.address() as AddressInfo).port;
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // A name of an attacker's that leads to this machine, as DNS rebinding makes one.
      '--host-resolver-rules=MAP rebound.example 127.0.0.1, MAP localhost 127.0.0.1',
    ],
  });
});
afterAll(async () => {
  await browser?.close();
  pages.close();
  await service?.close();
  await upstream?.close();
});

async function openPage(url: string): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(url);
  return page;
}

const proxyUrl = () => `http://127.0.0.1:${service.port}/proxy`;

interface Call {
  readonly method: 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly mode?: 'cors' | 'no-cors';
  readonly body: string;
}

/** Calls from within a page as its script would, and gives what the script gets to see. */
async function fetchFrom(page: Page, call: Call, url = proxyUrl()) {
  return page.evaluate(
    async ([target, { headers = {}, mode = 'cors', ...rest }]) => {
      try {
        const response = await fetch(target, { ...rest, headers, mode });
        const { status, type } = response;
        return { status, type, headers: Object.fromEntries(response.headers), body: await response.text() };
      } catch (error) {
        return { error: String(error) };
      }
    },
    [url, call] as const,
  );
}

/** What has come to the service and to the payment API since a test began. */
function watch() {
  const isCall = ({ msg }: LogLine) => msg === 'call';
  const calls = service.log.filter(isCall).length;
  const { length } = upstream.received;
  return {
    /** The codes of the calls, as soon as there is one. */
    codes: async () => (await service.callLines(calls + 1)).slice(calls).map(({ code }) => code),
    sent: () => upstream.received.slice(length),
  };
}

const asJson: Call = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: PAYMENT };

describe('a page on http://localhost', () => {
  test('may call, and reads the answer and what this service says of it', async () => {
    const page = await openPage(`http://localhost:${pagePort}/`);

    const answer = await fetchFrom(page, { ...asJson, headers: { ...asJson.headers, 'X-Request-Id': 'from-a-page' } });

    expect(answer).toMatchObject({
      status: 201,
      type: 'cors',
      body: '{"paid":1000}',
      headers: {
        'x-request-id': 'from-a-page',
        'proxy-outcome': 'answered',
        'proxy-status': 'toss-mtls-proxy; received-status=201',
        'server-timing': expect.stringMatching(/^.*wait;dur=.*total;dur=/),
      },
    });
  });

  test('reads why it was refused', async () => {
    const page = await openPage(`http://localhost:${pagePort}/`);

    const answer = await fetchFrom(page, { ...asJson, body: '{' });

    expect(answer).toMatchObject({ status: 400, headers: { 'proxy-outcome': 'not_processed' } });
    expect(JSON.parse(answer.body ?? '')).toMatchObject({ code: 'invalid_json' });
  });
});

describe('a page from elsewhere gets nothing through:', () => {
  /** What the script of such a page can try. */
  const attempts: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
    'a fetch, which asks first': (page) => fetchFrom(page, asJson),
    'a fetch of text, which does not ask': (page) => fetchFrom(page, { method: 'POST', body: PAYMENT }),
    'a fetch that does not want to read': (page) => fetchFrom(page, { method: 'POST', mode: 'no-cors', body: PAYMENT }),
    'a beacon': (page) =>
      page.evaluate(`navigator.sendBeacon("${proxyUrl()}", ${JSON.stringify(PAYMENT)}) && undefined`),
    'a form of plain text': async (page) => {
      await page.setContent(
        `<form method="post" enctype="text/plain" action="${proxyUrl()}">
          <input name='{"method":"POST","path":"/pay","body":"' value='"}'>
        </form>`,
      );
      await Promise.all([page.waitForURL(proxyUrl()), page.evaluate('document.forms[0].submit()')]);
    },
    'a sandboxed frame, whose origin is null': (page) =>
      page.setContent(
        `<iframe sandbox="allow-scripts" srcdoc='<script>
          fetch("${proxyUrl()}", { method: "POST", body: ${JSON.stringify(PAYMENT)} });
        </script>'></iframe>`,
      ),
  };

  test.each(Object.keys(attempts))('%s', async (name) => {
    const page = await openPage(`http://127.0.0.1:${pagePort}/`);
    const seen = watch();

    const read = await attempts[name]?.(page);

    expect(await seen.codes()).toEqual(['origin_not_allowed']);
    expect(seen.sent()).toBe('');
    // The script reads neither status nor body.
    if (read !== undefined) expect(read).not.toMatchObject({ type: 'cors' });
  });

  test('a name of its own that leads to this machine', async () => {
    const page = await openPage(`http://rebound.example:${service.port}/`);
    const seen = watch();

    const answer = await fetchFrom(page, asJson, `http://rebound.example:${service.port}/proxy`);

    expect(answer).toMatchObject({ status: 403 });
    expect(await seen.codes()).toEqual(['origin_not_allowed']);
    expect(seen.sent()).toBe('');
  });
});
