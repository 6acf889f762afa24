import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../../scripts/pki.ts';
import { startBlackHole } from '../support/black-hole.ts';
import { type DoctorRun, runDoctor } from '../support/doctor.ts';
import { startRelayedUpstream } from '../support/relay.ts';
import { selfSigned } from '../support/self-signed.ts';
import { environmentFor } from '../support/service.ts';
import { startTcpUpstream } from '../support/tcp-upstream.ts';
import { ALERT_TLS, encryptedAlert, plainAlert, REFUSALS } from '../support/tls-alert.ts';
import { onRequest, startUpstream, type UpstreamConnection } from '../support/upstream.ts';

const DAY_MS = 86_400_000;
const fromNow = (days: number) => new Date(Date.now() + days * DAY_MS);
const day = (date: Date) => date.toISOString().slice(0, 10);
const ENDED = fromNow(-2);
const BEGINS = fromNow(1);

/** What listens at a host; without a port it is a name that the preloaded module knows. */
interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

interface Host {
  readonly what: string;
  readonly start: (authority: Authority) => Promise<Listener>;
  /** Default: `localhost`. */
  readonly name?: string;
  /** What the doctor says, from the first line that matters on. */
  readonly lines: readonly (string | RegExp)[];
}

const answer = (status: string, headers: readonly string[] = [], body = '') =>
  [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${body.length}`, '', ''].join('\r\n');

/** A payment API that answers every request so. */
function answering(status: string, headers: () => readonly string[] = () => [], body = '', options: TlsOptions = {}) {
  return (authority: Authority) =>
    startUpstream(
      authority,
      ({ socket, ...rest }) =>
        onRequest({ socket, ...rest }, (request) => {
          socket.write(answer(status, headers(), body) + (request.startsWith('HEAD ') ? '' : body));
        }),
      options,
    );
}

/** A payment API that does this with every connection. */
function doing(script: (connection: UpstreamConnection) => void, options: TlsOptions = {}) {
  return (authority: Authority) => startUpstream(authority, script, options);
}

/** A server with another certificate than the good one. */
function showing(make: (authority: Authority) => Promise<{ readonly certPem: string; readonly keyPem: string }>) {
  return async (authority: Authority) => {
    const { certPem, keyPem } = await make(authority);
    return startUpstream(authority, () => undefined, { cert: certPem, key: keyPem });
  };
}

function issued(options: Parameters<Authority['issue']>[0]) {
  return showing((authority) => authority.issue({ usage: 'server', ...options }));
}

/** Something that is no TLS server says this to every greeting, or hangs up. */
function saying(reply?: string | Buffer) {
  return () =>
    startTcpUpstream((socket) => {
      socket.once('data', () => (reply === undefined ? socket.destroy() : socket.end(reply)));
    });
}

async function nobody(): Promise<Listener> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server's address is one.
  server.close();
  await once(server, 'close');
  return { port, close: async () => undefined };
}

/** Nothing has to listen where the preloaded module plays the network. */
const played = async (): Promise<Listener> => ({ port: 443, close: async () => undefined });

const dated = (aheadMs: number) => () => [`Date: ${new Date(Date.now() + aheadMs).toUTCString()}`];

function refusedUnderTls12(authority: Authority): Promise<Listener> {
  return startRelayedUpstream(
    authority,
    () => undefined,
    {
      onClient: (piece, { client, server, piecesBefore }) => {
        if (piecesBefore === 0) server.write(piece);
        else client.end(plainAlert(REFUSALS.unknown_ca));
      },
    },
    { maxVersion: 'TLSv1.2' },
  );
}

const NOT_TRIED = 'an earlier step has failed';
const PRIVATE_CA =
  'If the provider has a private CA, set UPSTREAM_CA_B64 or UPSTREAM_CA_FILE to it; else something between here and the ' +
  'provider may be reading along.';
const TLS_OK = '✓ TLS TLSv1.3, TLS_AES_256_GCM_SHA384, in N ms';
const TLS_ALERT = '✓ TLS TLSv1.3, TLS_AES_128_GCM_SHA256, in N ms';
const SERVER_OK = '✓ server certificate CN=localhost, issued by CN=Throw-away Root CA, 389 days left';
const NO_CLOCK = '– clock the server has not told its time';
const ACCEPTED = '✓ our certificate accepted: HEAD / was answered with HTTP 200 in N ms';
const distrusted = (reason: string) => [
  TLS_OK,
  `✗ server certificate not trusted: ${reason}`,
  `– our certificate ${NOT_TRIED}`,
  `– clock ${NOT_TRIED}`,
];
const noTls = (reason: string) => [
  `✗ TLS ${reason}`,
  ...['server certificate', 'our certificate', 'clock'].map((check) => `– ${check} ${NOT_TRIED}`),
];
const noTcp = (reason: string) => [
  `✗ TCP ${reason}`,
  ...['TLS', 'server certificate', 'our certificate', 'clock'].map((check) => `– ${check} ${NOT_TRIED}`),
];
const refused = (reason: string) => [
  TLS_ALERT,
  SERVER_OK,
  `✗ our certificate refused: ${reason}`,
  `– clock ${NOT_TRIED}`,
];
/** The wire to {@link refusing} servers takes this long for their first flight, and the doctor waits as long afterwards. */
const SLOW_MS = 50;

/** Refuses in place of a session ticket. Thirty servers share an event loop here, so the wire is made slow before that. */
const refusing = (alert: number) => (authority: Authority) =>
  startRelayedUpstream(
    authority,
    (connection) => connection.tcp.end(encryptedAlert(connection, alert, 0)),
    {
      onServer: (piece, { client, piecesBefore }) => {
        if (piecesBefore === 1) setTimeout(() => client.write(piece), SLOW_MS);
        else client.write(piece);
      },
    },
    ALERT_TLS,
  );
const MAY_REFUSE =
  "It may refuse our certificate, or this machine's address: ask the provider whether it must be on a list.";
const FIREWALL = 'A firewall or a security group may be in the way: allow outgoing TCP to this port.';

const HOSTS: readonly Host[] = [
  {
    what: 'an address',
    name: '127.0.0.1',
    start: answering('200 OK'),
    lines: ['✓ DNS this is an address, not a name', '✓ TCP connected to 127.0.0.1 in N ms'],
  },
  {
    what: 'a server with TLS 1.2',
    start: answering('200 OK', dated(0), '', { maxVersion: 'TLSv1.2' }),
    lines: [
      /^✓ TLS TLSv1\.2, TLS_ECDHE_ECDSA_WITH_\w+, in N ms$/,
      SERVER_OK,
      ACCEPTED,
      "✓ clock within 30 s of the server's",
    ],
  },
  {
    what: 'a name that no server knows',
    name: 'not-found.invalid',
    start: played,
    lines: ['✗ DNS there is no such name (ENOTFOUND). Check its spelling in UPSTREAM_HOSTS.', `– TCP ${NOT_TRIED}`],
  },
  {
    what: 'name servers that are away',
    name: 'try-again.invalid',
    start: played,
    lines: ["✗ DNS no name server answers (EAI_AGAIN). Check this machine's network and its DNS settings."],
  },
  {
    what: 'a name server that fails otherwise',
    name: 'broken.invalid',
    start: played,
    lines: [
      '✗ DNS The name of the payment API could not be resolved. Operator: check UPSTREAM_HOSTS and DNS. (EAI_FAIL)',
    ],
  },
  {
    what: 'a port where nothing listens',
    start: nobody,
    lines: noTcp('nothing listens on this port there (ECONNREFUSED). Check the host and the port in UPSTREAM_HOSTS.'),
  },
  {
    what: 'a host without a route',
    name: 'ehostunreach.invalid',
    start: played,
    lines: noTcp(`there is no route to it (EHOSTUNREACH). ${FIREWALL}`),
  },
  {
    what: 'a network without a route',
    name: 'enetunreach.invalid',
    start: played,
    lines: noTcp("its network is out of reach (ENETUNREACH). Check this machine's network and its routes."),
  },
  {
    what: 'a host that the kernel gives up',
    name: 'etimedout.invalid',
    start: played,
    lines: noTcp(`it does not answer (ETIMEDOUT). ${FIREWALL}`),
  },
  {
    what: 'a machine without descriptors',
    name: 'emfile.invalid',
    start: played,
    lines: noTcp('this machine grants no more connections (EMFILE). Raise the limit of open files (ulimit -n).'),
  },
  {
    what: 'a connection that fails otherwise',
    name: 'econnaborted.invalid',
    start: played,
    lines: noTcp(
      'No connection to the payment API: it refused, or there is no route. Send the call again later. (ECONNABORTED)',
    ),
  },
  {
    what: 'plain HTTP',
    start: saying('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
    lines: noTls('what listens there does not speak TLS. Check the port in UPSTREAM_HOSTS.'),
  },
  {
    what: 'TLS 1.1',
    start: doing(() => undefined, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    lines: noTls(
      'no TLS version is common to both sides: it takes TLS 1.2 or 1.3. Check the host; the provider must upgrade.',
    ),
  },
  {
    what: 'a handshake failure',
    start: saying(plainAlert(40)),
    lines: noTls(
      'the server broke the handshake off: it refuses our certificate, or shares no cipher with us. Ask the provider.',
    ),
  },
  {
    what: 'a server that fails inside',
    start: saying(plainAlert(80)),
    lines: noTls(`the server hung up during the handshake (ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR). ${MAY_REFUSE}`),
  },
  {
    what: 'a server that hangs up',
    start: saying(),
    lines: noTls(`the server hung up during the handshake (ECONNRESET). ${MAY_REFUSE}`),
  },
  {
    what: 'a server certificate that has ended',
    start: issued({ notBefore: fromNow(-3), notAfter: ENDED }),
    lines: distrusted(
      `it, or one that leads to it, has ended; its own end is ${day(ENDED)}. The provider must renew it, unless ` +
        `this machine's clock is wrong: it says TODAY.`,
    ),
  },
  {
    what: 'a server certificate of tomorrow',
    start: issued({ notBefore: BEGINS, notAfter: fromNow(2) }),
    lines: distrusted(
      `it, or one that leads to it, is not valid yet; its own begin is ${day(BEGINS)}. This machine's clock may be ` +
        `wrong: it says TODAY.`,
    ),
  },
  {
    what: 'a server certificate for other names',
    start: issued({ names: ['pay.example', '10.0.0.1'] }),
    lines: distrusted('it is for pay.example, 10.0.0.1. Check the host in UPSTREAM_HOSTS.'),
  },
  {
    what: 'a server certificate that signs itself',
    start: showing(() => selfSigned()),
    lines: distrusted(`it is signed by itself. ${PRIVATE_CA}`),
  },
  {
    what: 'a server certificate of an unknown CA',
    start: showing(async () => (await createAuthority({ commonName: 'Elsewhere' })).issue({ usage: 'server' })),
    lines: distrusted(
      `its issuer is not known here (CN=Elsewhere), or the server leaves out an intermediate. ${PRIVATE_CA}`,
    ),
  },
  {
    what: 'a server certificate of an unknown CA, with an intermediate',
    start: showing(async () => {
      const middle = await (await createAuthority()).createIntermediate({ commonName: 'Middle' });
      return middle.issue({ usage: 'server' });
    }),
    lines: distrusted(`its issuer is not known here (CN=Middle). ${PRIVATE_CA}`),
  },
  {
    what: 'a server certificate of an unknown CA, with that CA',
    start: showing(async () => {
      const elsewhere = await createAuthority({ commonName: 'Elsewhere' });
      const { certPem, keyPem } = await elsewhere.issue({ usage: 'server' });
      return { certPem: certPem + elsewhere.certPem, keyPem };
    }),
    lines: distrusted(`its CA is not trusted here (CN=Elsewhere). ${PRIVATE_CA}`),
  },
  {
    what: 'a server with a certificate for clients',
    start: issued({ usage: 'client', names: ['localhost'] }),
    lines: [
      TLS_OK,
      '✗ server certificate The server is not proven to be the payment API: its certificate is not trusted, has ' +
        'expired or is for another name. Operator: check UPSTREAM_HOSTS, and UPSTREAM_CA_B64 or UPSTREAM_CA_FILE for a ' +
        'private CA. (INVALID_PURPOSE)',
    ],
  },
  {
    what: 'a server that never asks who we are',
    start: answering('200 OK', dated(0), '', { requestCert: false }),
    lines: [
      TLS_OK,
      SERVER_OK,
      '! our certificate HEAD / was answered with HTTP 200 in N ms, but the server never asked for a certificate. Is ' +
        'this the right host?',
    ],
  },
  {
    what: 'a refusal with unknown_ca',
    start: refusing(REFUSALS.unknown_ca),
    lines: refused('it does not know the CA that issued it. Is it for this environment?'),
  },
  {
    what: 'a refusal with certificate_expired',
    start: refusing(REFUSALS.certificate_expired),
    lines: refused('it finds it expired. Renew it, or check the clocks.'),
  },
  {
    what: 'a refusal with certificate_revoked',
    start: refusing(REFUSALS.certificate_revoked),
    lines: refused('it finds it revoked. Ask the provider for a new one.'),
  },
  {
    what: 'a refusal with certificate_required',
    start: refusing(REFUSALS.certificate_required),
    lines: refused('it asks for one and takes none of ours. Ask the provider which it takes.'),
  },
  {
    what: 'a refusal with access_denied',
    start: refusing(REFUSALS.access_denied),
    lines: refused('it knows it and denies access. Is it active for this API?'),
  },
  {
    what: 'a refusal with bad_certificate',
    start: refusing(REFUSALS.bad_certificate),
    lines: refused('the server does not say why. Is it revoked, or for another environment?'),
  },
  {
    what: 'a refusal under TLS 1.2',
    start: refusedUnderTls12,
    lines: [
      '– TLS the server refused our certificate before its end',
      '– server certificate not judged',
      '✗ our certificate refused: it does not know the CA that issued it. Is it for this environment?',
      `– clock ${NOT_TRIED}`,
    ],
  },
  {
    what: 'a refusal of nginx',
    start: answering('400 Bad Request', () => ['Connection: close'], 'No required SSL certificate was sent'),
    lines: [
      TLS_OK,
      SERVER_OK,
      '✗ our certificate refused with HTTP 400. Is it expired, revoked, or for another environment?',
      `– clock ${NOT_TRIED}`,
    ],
  },
  {
    what: 'a refusal of nginx that has its own status',
    start: answering('496 SSL Certificate Required'),
    lines: [
      TLS_OK,
      SERVER_OK,
      '✗ our certificate refused with HTTP 496. Is it expired, revoked, or for another environment?',
    ],
  },
  {
    what: 'a 400 for another reason',
    start: answering('400 Bad Request', dated(0), 'unknown path'),
    lines: [
      TLS_OK,
      SERVER_OK,
      '✓ our certificate accepted: HEAD / was answered with HTTP 400 in N ms',
      "✓ clock within 30 s of the server's",
    ],
  },
  {
    what: 'a server that hangs up at the request',
    start: doing((connection) => onRequest(connection, () => connection.tcp.resetAndDestroy())),
    lines: [
      TLS_OK,
      SERVER_OK,
      '✗ our certificate the server hung up after the handshake (ECONNRESET): it probably refuses our certificate. Is ' +
        'it expired, revoked, or for another environment?',
      `– clock ${NOT_TRIED}`,
    ],
  },
  {
    what: 'a mail server',
    start: doing((connection) => onRequest(connection, () => connection.socket.write('220 mail.example ESMTP\r\n'))),
    lines: [
      TLS_OK,
      SERVER_OK,
      '✗ our certificate not refused, but what answers HEAD / is not HTTP. Check the port in UPSTREAM_HOSTS.',
    ],
  },
  {
    what: 'a clock that is behind',
    start: answering('200 OK', dated(100_000)),
    lines: [TLS_OK, SERVER_OK, ACCEPTED, /^! clock (99|100|101) s behind the server's\. Set it, by NTP for example\.$/],
  },
  {
    what: 'a clock that is far ahead',
    start: answering('200 OK', dated(-400_000)),
    lines: [TLS_OK, SERVER_OK, ACCEPTED, /^✗ clock (399|400|401) s ahead of the server's\. Set it, by NTP/],
  },
  { what: 'a server without a clock', start: answering('200 OK'), lines: [TLS_OK, SERVER_OK, ACCEPTED, NO_CLOCK] },
  {
    what: 'an answer from a cache',
    start: answering('200 OK', () => [...dated(-400_000)(), 'Age: 400']),
    lines: [TLS_OK, SERVER_OK, ACCEPTED, NO_CLOCK],
  },
];

const TIMEOUT_MS = 2_000;

const SILENT_HOSTS: readonly Host[] = [
  {
    what: 'name servers that are silent',
    name: 'silent.invalid',
    start: played,
    lines: [
      `✗ DNS no name server answers within ${TIMEOUT_MS} ms. Check this machine's network and its DNS settings.`,
      `– TCP ${NOT_TRIED}`,
    ],
  },
  {
    what: 'a host that does not answer',
    start: startBlackHole,
    lines: noTcp(`it does not answer within ${TIMEOUT_MS} ms. ${FIREWALL}`),
  },
  {
    what: 'a host that is silent once connected',
    start: () => startTcpUpstream(() => undefined),
    lines: noTls('no end of the handshake in time. Is this the right port?'),
  },
  {
    what: 'a payment API that does not answer',
    start: doing(() => undefined),
    lines: [
      TLS_OK,
      SERVER_OK,
      `✗ our certificate not refused, but HEAD / was not answered within ${TIMEOUT_MS} ms. Ask the provider.`,
      `– clock ${NOT_TRIED}`,
    ],
  },
];

/** Plays what a test cannot bring about: failures of name servers and routes, by the names of the hosts. */
const NETWORK = `
  import { syncBuiltinESMExports } from 'node:module';
  import dns from 'node:dns/promises';
  import net from 'node:net';
  const fail = (code) => Object.assign(new Error(code), { code });
  const DNS = { 'not-found.invalid': 'ENOTFOUND', 'try-again.invalid': 'EAI_AGAIN', 'broken.invalid': 'EAI_FAIL' };
  const { lookup } = dns;
  const { connect } = net;
  dns.lookup = (name, options) => {
    if (name === 'silent.invalid') return new Promise(() => {});
    if (!name.endsWith('.invalid')) return lookup(name, options);
    return DNS[name] ? Promise.reject(fail(DNS[name])) : Promise.resolve([{ address: '192.0.2.1', family: 4 }]);
  };
  net.connect = (options) => {
    if (!options.host?.endsWith('.invalid')) return connect(options);
    const socket = new net.Socket();
    setImmediate(() => socket.destroy(fail(options.host.replace('.invalid', '').toUpperCase())));
    return socket;
  };
  syncBuiltinESMExports();
`;

describe.each([
  { hosts: HOSTS, settings: {} },
  { hosts: SILENT_HOSTS, settings: { UPSTREAM_CONNECT_TIMEOUT_MS: String(TIMEOUT_MS) } },
])('the doctor explains', ({ hosts, settings }) => {
  const listeners: Listener[] = [];
  const labels = new Map<Host, string>();
  let run: DoctorRun;

  beforeAll(async () => {
    const authority = await createAuthority();
    for (const host of hosts) {
      const listener = await host.start(authority);
      listeners.push(listener);
      labels.set(host, `${host.name ?? 'localhost'}:${listener.port}`);
    }
    const UPSTREAM_HOSTS = [...labels.values()].join();
    const env = await environmentFor({ authority, upstreamPorts: [], settings: { UPSTREAM_HOSTS, ...settings } });
    run = await runDoctor(env, { preload: NETWORK });
  });
  afterAll(() => Promise.all(listeners.map((listener) => listener.close())));

  test.each(hosts)('$what', (host) => {
    const lines = run.section(labels.get(host) ?? '').map(withoutFigures);
    const first = lines.findIndex((line) => fits(host.lines[0], line));
    const relevant = lines.slice(first === -1 ? 0 : first);
    expect(relevant.slice(0, host.lines.length)).toEqual(
      host.lines.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))),
    );
    // Six steps, each with its own line, and every one before the first that is told has passed.
    expect(lines).toHaveLength(6);
    for (const line of lines.slice(0, first)) expect(line).toMatch(/^✓ /);
  });

  test('and ends with exit code 1', () => {
    expect(run.stderr).toBe('');
    expect(run.code).toBe(1);
  });
});

/** Without what differs from run to run. */
function withoutFigures(line: string): string {
  return line.replaceAll(/\d+ ms$|\d+ ms(?=,)/g, 'N ms').replace(/it says [\d-]{10}\./, 'it says TODAY.');
}

function fits(expected: string | RegExp | undefined, line: string): boolean {
  return expected instanceof RegExp ? expected.test(line) : line === expected;
}
