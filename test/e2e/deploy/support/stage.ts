import { createAuthority } from '../../../../scripts/pki.ts';
import { onRequest, startUpstream } from '../../../support/upstream.ts';
import { type Load, startLoad } from '../../support/load.ts';
import { findPort } from '../../support/port.ts';
import { PROJECT } from './checkout.ts';
import { runCommand } from './command.ts';
import { type Host, openHost } from './host.ts';

const KEY = 'a-key-that-opens-this-test-only-0123456789';
const CALLERS = 16;
const ANSWER_AFTER_MS = 50;
const ANSWER_WITHIN_MS = 5_000;

/** A host, a payment API that it can reach, and a `.env` for both. */
export interface Stage {
  readonly host: Host;
  /** What `env-file` has made. */
  readonly dotenv: string;
  /** With another client's key beside the certificate, which the doctor finds. */
  readonly badDotenv: string;
  /** Beginnings of what nobody may see. */
  readonly secrets: readonly string[];
  /** The version that `/` shows; undefined if nobody answers in time. */
  version(): Promise<string | undefined>;
  load(): Load;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const authority = await createAuthority();
  const upstream = await startUpstream(authority, (connection) => {
    onRequest(connection, () => {
      const answer = () => connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      setTimeout(answer, ANSWER_AFTER_MS);
    });
  });
  const [client, other] = [await authority.issue({ commonName: 'deploy-mini-app' }), await authority.issue()];
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const port = await findPort();
  const settings = {
    TOSS_PUBLIC_CRT_B64: base64(client.certPem),
    TOSS_PRIVATE_KEY_B64: base64(client.keyPem),
    PROXY_API_KEYS: `test:${KEY}`,
    PROXY_SETTINGS: [
      `PORT=${port}`,
      'HOST=127.0.0.1',
      `UPSTREAM_HOSTS=localhost:${upstream.port}`,
      `UPSTREAM_CA_B64=${base64(authority.certPem)}`,
      'PM2_INSTANCES=2',
    ].join('\n'),
  };
  const host = await openHost();
  const envFile = async (env: Readonly<Record<string, string>>) =>
    (await runCommand(PROJECT.command('env-file'), { env })).stdout;
  return {
    host,
    dotenv: await envFile(settings),
    badDotenv: await envFile({ ...settings, TOSS_PRIVATE_KEY_B64: base64(other.keyPem) }),
    // Base64 begins alike for all keys of a kind.
    secrets: [KEY, settings.TOSS_PRIVATE_KEY_B64.slice(100, 160)],
    version: async () => {
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/`, {
          headers: { Connection: 'close' },
          signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        });
        const { version }: { version?: string } = JSON.parse(await answer.text());
        return version;
      } catch {
        return undefined;
      }
    },
    load: () =>
      startLoad({
        port,
        callers: CALLERS,
        envelope: { method: 'POST', path: '/pay', body: { amount: 1 } },
        headers: { Authorization: `Bearer ${KEY}` },
      }),
    close: async () => {
      await host.close();
      await upstream.close();
    },
  };
}
