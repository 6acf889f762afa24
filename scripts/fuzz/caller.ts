import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Answer, readAnswers } from './answers.ts';
import { API_KEY } from './world.ts';

const TWO_ANSWERS = 'The service gave two answers to one call';

/** A caller that keeps its connection, and makes one call after the other. */
export class Caller {
  readonly #port: number;
  #connection: Connection | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Sends an envelope properly.
   *
   * @throws Error if the service closes the connection instead of answering, or has said more than answers
   */
  async post(envelope: Uint8Array): Promise<Answer> {
    this.#connection ??= await Connection.open(this.#port);
    const answer = await this.#connection.post(envelope);
    if (answer.headers.get('connection') === 'close') this.close();
    return answer;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

class Connection {
  readonly #socket: Socket;
  /** What has come since the last call's answer; an answer that nobody has asked for is found by the next call. */
  #heard: Buffer = Buffer.alloc(0);
  #onHeard = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => this.#onHeard());
    socket.on('data', (chunk: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, chunk]);
      this.#onHeard();
    });
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  post(envelope: Uint8Array): Promise<Answer> {
    if (this.#heard.length > 0) throw new Error(TWO_ANSWERS);
    this.#socket.write(
      `POST /proxy HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer ${API_KEY}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${envelope.length}\r\n\r\n`,
      'latin1',
    );
    this.#socket.write(envelope);
    return new Promise((resolve, reject) => {
      const end = (step: () => void) => {
        this.#onHeard = () => {};
        step();
      };
      this.#onHeard = () => {
        try {
          const { answers, rest } = readAnswers(this.#heard, () => false);
          const [first, second] = answers;
          if (first === undefined && !this.#socket.destroyed) return;
          if (first === undefined) throw new Error('The service closed the connection without an answer');
          if (second !== undefined || rest.length > 0) throw new Error(TWO_ANSWERS);
          this.#heard = rest;
          end(() => resolve(first));
        } catch (error) {
          end(() => reject(error));
        }
      };
      this.#onHeard();
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
