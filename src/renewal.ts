import type { UpstreamHost } from './config.ts';
import { FileWatch } from './credentials/file-watch.ts';
import { CredentialStore, type Keys, type LoadedKeys, type Reload } from './credentials/store.ts';
import { ExpiryWatch } from './observe/expiry.ts';
import type { Log } from './observe/log.ts';
import { describeError } from './observe/log-error.ts';
import { tryCredentials } from './upstream/trial.ts';

interface RenewalOptions {
  /** What the service has started with. */
  readonly first: LoadedKeys;
  /** Reads and judges everything anew; throws ConfigError. */
  readonly load: () => Promise<LoadedKeys>;
  /** The first is the one on which new credentials are tried. */
  readonly hosts: readonly UpstreamHost[];
  readonly connectTimeoutMs: number;
  readonly log: Log;
  /** The keys are others now. */
  readonly onChange: (next: Keys, previous: Keys) => void;
  /** A reload has ended. */
  readonly onReload: (reload: Reload) => void;
}

/** Keeps certificate, CA and API keys current while the service runs, and says when the certificate is about to end. */
export class Renewal {
  readonly #store: CredentialStore;
  readonly #watch: FileWatch;
  readonly #expiry: ExpiryWatch;

  constructor({ first, load, hosts, connectTimeoutMs, log, onChange, onReload }: RenewalOptions) {
    this.#store = new CredentialStore(first, {
      load,
      attempt: (next, current) => tryCredentials(hosts, next, current, connectTimeoutMs),
      onChange,
      onEnd: (reload) => {
        logReload(log, reload, this.current);
        onReload(reload);
        if (reload.result !== 'failed') this.#watch.follow(this.#store.current.files);
        if (reload.result === 'ok') this.#expiry.start();
      },
    });
    this.#watch = new FileWatch(first.files, () => void this.reload());
    this.#expiry = new ExpiryWatch(() => this.#store.current.credentials, log);
  }

  /** The keys in use. */
  get current(): Keys {
    return this.#store.current;
  }

  /** Reads `.env` and files again, and takes what they hold if all of it is good. It never rejects. */
  reload(): Promise<Reload> {
    return this.#store.reload();
  }

  start(): void {
    this.#watch.start();
    this.#expiry.start();
  }

  stop(): void {
    this.#watch.stop();
    this.#expiry.stop();
  }

  /** For `GET /status`. */
  status(): { readonly certificate: object; readonly lastReload: object | undefined } {
    const { subject, issuer, fingerprint, notAfter } = this.current.credentials;
    const last = this.#store.lastReload;
    return {
      certificate: { subject, issuer, fingerprint, notAfter },
      lastReload: last && { at: last.at, result: last.result, problems: last.problems },
    };
  }
}

function logReload(log: Log, { result, problems, warnings, bug }: Reload, { credentials, apiKeys }: Keys): void {
  const { subject, fingerprint, notAfter } = credentials;
  const inUse = { subject, fingerprint, notAfter, apiKeys: apiKeys.map(({ name }) => name) };
  for (const warning of warnings) log.warn(warning);
  for (const problem of problems) log.error({ fingerprint }, `not reloaded: ${problem}`);
  if (bug !== undefined) log.error(describeError(bug), 'not reloaded: this is a bug');
  if (result === 'ok') log.info(inUse, 'reloaded');
  if (result === 'unchanged') log.info(inUse, 'reload: nothing has changed');
}
