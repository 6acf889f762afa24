/** A request as it came over the wire. */
export interface ReadRequest {
  /** The request line and the headers, without the empty line. */
  readonly head: string;
  readonly body: Buffer;
}

const END_OF_HEAD = '\r\n\r\n';

/** Takes the requests of one connection apart (RFC 9112); they are framed by `Content-Length` or have no body. */
export class RequestReader {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** Whether bytes are here that belong to no request taken so far. */
  get isAmid(): boolean {
    return this.#bytes.length > 0;
  }

  /** The first line of the request that is being read, once it is here. */
  get requestLine(): string | undefined {
    const end = this.#bytes.indexOf('\r\n');
    return end === -1 ? undefined : this.#bytes.toString('latin1', 0, end);
  }

  /** The head and as much of the body as is here. */
  get soFar(): ReadRequest | undefined {
    const end = this.#bytes.indexOf(END_OF_HEAD);
    if (end === -1) return undefined;
    return { head: this.#bytes.toString('latin1', 0, end), body: this.#bytes.subarray(end + END_OF_HEAD.length) };
  }

  /** The next request, if it is whole; it is not given again. */
  take(): ReadRequest | undefined {
    const { soFar } = this;
    if (soFar === undefined) return undefined;
    const length = Number(/^content-length: *(\d+) *$/im.exec(soFar.head)?.[1] ?? 0);
    if (soFar.body.length < length) return undefined;
    this.#bytes = soFar.body.subarray(length);
    return { head: soFar.head, body: soFar.body.subarray(0, length) };
  }
}
