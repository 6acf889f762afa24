import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contender, nodeUpstream, type Start } from './contenders.ts';
import { type Cores, takeCores } from './cores.ts';
import { Measured } from './process.ts';
import { isInstalled, nginxUpstream } from './relays.ts';
import { freePort, prepare, type Setting } from './setting.ts';

/** A contender that has been started. */
export interface Running {
  readonly contender: Contender;
  /** None if the caller reaches the payment API by itself. */
  readonly process: Measured | undefined;
  /** Where callers call; without a path. */
  readonly url: string;
  /** For a caller that reaches the payment API by itself. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer } | undefined;
  stop(): Promise<void>;
}

/** Where the bench runs: the payment API is up, the certificates are made, the cores are dealt out. */
export class Ground {
  readonly setting: Setting;
  readonly #node: string;
  readonly #cores = takeCores();
  readonly #processes = new Set<Measured>();
  #upstreamPort = 0;

  private constructor(setting: Setting, node: string) {
    this.setting = setting;
    this.#node = node;
    process.once('exit', () => {
      for (const one of this.#processes) one.kill();
      rmSync(setting.directory, { recursive: true, force: true });
    });
  }

  /**
   * Makes the ground, which is gone when this process exits, however it does.
   *
   * @param node the Node that runs the contenders
   */
  static async open(node: string): Promise<Ground> {
    const ground = new Ground(await prepare(mkdtempSync(join(tmpdir(), 'toss-mtls-proxy-bench-'))), node);
    const port = await freePort();
    // nginx if it is there, since it leaves most of its core to the callers.
    const start = isInstalled('nginx', '-v')
      ? { command: nginxUpstream(ground.setting, port) }
      : nodeUpstream(ground.setting, port, node);
    await ground.#spawn(start, 'upstream', ground.#cores.others).listening(port);
    ground.#upstreamPort = port;
    return ground;
  }

  get upstreamPort(): number {
    return this.#upstreamPort;
  }

  /** How the cores are dealt out, for people. */
  get division(): string {
    const { contender, others } = this.#cores;
    if (contender === undefined) return 'all processes share the cores';
    return `the contender on core ${contender}, the callers and the payment API on ${others}`;
  }

  /** Starts a contender, and waits until it listens. */
  async run(contender: Contender, upstreamPort = this.#upstreamPort): Promise<Running> {
    const running = await this.launch(contender, upstreamPort);
    await running.process?.listening(Number(new URL(running.url).port));
    return running;
  }

  /** Starts a contender, and does not wait. */
  async launch(contender: Contender, upstreamPort = this.#upstreamPort): Promise<Running> {
    const { certFile, keyFile, caFile } = this.setting;
    if (contender.start === undefined) {
      const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(caFile) };
      return { contender, process: undefined, url: `https://127.0.0.1:${upstreamPort}`, tls, stop: async () => {} };
    }
    const port = await freePort();
    const start = contender.start({ setting: this.setting, port, upstreamPort, node: this.#node });
    const measured = this.#spawn(start, contender.id, this.#cores.contender);
    const stop = async () => {
      await measured.stop();
      this.#processes.delete(measured);
    };
    return { contender, process: measured, url: `http://127.0.0.1:${port}`, tls: undefined, stop };
  }

  /** The log goes to a file, as it would in production. */
  #spawn({ command, env }: Start, name: string, cores: Cores): Measured {
    const stdout = openSync(join(this.setting.directory, `${name}.log`), 'w');
    const measured = new Measured(command, { ...(env && { env }), cores, stdout, cwd: this.setting.directory });
    closeSync(stdout);
    this.#processes.add(measured);
    return measured;
  }
}
