import type { TLSSocket } from 'node:tls';
import type { Ledger } from './ledger.ts';
import { Line } from './line.ts';
import type { Manner } from './manners.ts';
import { type CallPlan, idOf } from './plan.ts';
import type { Random } from './random.ts';
import { REPLIES, type Reply } from './replies.ts';
import { RequestReader } from './request-reader.ts';
import { differenceOf } from './requests.ts';

type LineParts = Omit<ConstructorParameters<typeof Line>[0], 'onReset'>;

interface ConnectionParts extends LineParts {
  readonly manner: Manner;
  readonly random: Random;
  readonly ledger: Ledger;
  /** The plan of a call by its number; none if there is no such call. */
  readonly planOf: (id: number) => CallPlan | undefined;
}

/** The payment API's end of a connection from the end of its handshake on: it enters all that it reads in the ledger. */
export class ChaosConnection {
  readonly #parts: ConnectionParts;
  readonly #socket: TLSSocket;
  readonly #line: Line;
  readonly #reader = new RequestReader();
  /** The call whose request is being read. */
  #reading: CallPlan | undefined;
  /** The call that is being answered. */
  #replyingTo: CallPlan | undefined;
  /** Ends of answers that the system does not have yet. */
  #finishing = 0;
  /** How many requests have begun to come, and whose the last one is. */
  #requests = 0;
  #lastId = -1;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#socket = parts.socket;
    this.#line = new Line({ ...parts, onReset: () => parts.ledger.reset(this.#lastId) });
    this.#socket.on('close', () => clearTimeout(this.#idleTimer));
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#rest();
  }

  #onData(chunk: Buffer): void {
    clearTimeout(this.#idleTimer);
    this.#reader.push(chunk);
    while (this.#advance());
    this.#rest();
  }

  /** Takes note of one step in what has been read; says whether there may be another. */
  #advance(): boolean {
    const plan = this.#reading;
    if (plan === undefined) return this.#begin();
    const request = this.#reader.take();
    if (request === undefined) return false;
    this.#reading = undefined;
    this.#parts.ledger.complete(plan.id, differenceOf(plan, request));
    if (!isEarly(plan)) this.#reply(plan);
    return true;
  }

  /** A new request has begun to come: from here on the payment API may have seen it. */
  #begin(): boolean {
    const { ledger, planOf } = this.#parts;
    const { requestLine } = this.#reader;
    if (requestLine === undefined) return false;
    const plan = planOf(idOf(requestLine) ?? -1);
    if (plan === undefined) {
      ledger.complain('bytes were read that belong to no call', requestLine.slice(0, 80));
      this.#line.reset();
      return false;
    }
    const { id, reply } = plan;
    if (this.#replyingTo !== undefined)
      ledger.complain('a request came before the last one was answered', `call ${id}`);
    this.#reading = plan;
    this.#requests += 1;
    this.#lastId = id;
    const { isLeaving, strayAtMs } = this.#line;
    ledger.begin(id, { reply: isLeaving ? undefined : reply, strayAtMs });
    if (isEarly(plan)) {
      const { soFar } = this.#reader;
      if (soFar !== undefined) ledger.compare(id, differenceOf(plan, soFar, 'so far'));
      this.#reply(plan);
    }
    return true;
  }

  #reply(plan: CallPlan): void {
    if (this.#line.isLeaving) return;
    this.#replyingTo = plan;
    const { method, answer, reply } = plan;
    const finish = (bytes: Buffer) => this.#finish(bytes);
    const turn = { line: this.#line, finish, method, answer, random: this.#parts.random };
    void REPLIES[reply].play(turn).then(() => {
      if (this.#replyingTo === plan) this.#replyingTo = undefined;
      this.#rest();
    });
  }

  /** Sends an answer's last bytes, after which the next request may come; says whether none has come meanwhile. */
  async #finish(bytes: Buffer): Promise<boolean> {
    const requests = this.#requests;
    this.#replyingTo = undefined;
    this.#finishing += 1;
    await this.#line.write(bytes);
    this.#finishing -= 1;
    return requests === this.#requests;
  }

  /** Nothing is going on: the manners say what happens if that stays so. */
  #rest(): void {
    clearTimeout(this.#idleTimer);
    const isBusy = this.#replyingTo !== undefined || this.#finishing > 0 || this.#reader.isAmid;
    if (isBusy || this.#line.isLeaving || this.#socket.destroyed) return;
    const { manner, random } = this.#parts;
    const rest = (this.#requests === 0 ? manner.whenUnused : undefined) ?? manner.whenIdle;
    if (rest === undefined) return;
    const afterMs = random.between(0, rest.withinMs);
    if (afterMs === 0) rest.does(this.#line);
    else this.#idleTimer = setTimeout(() => rest.does(this.#line), afterMs);
  }
}

function isEarly({ reply }: CallPlan): boolean {
  const row: Reply = REPLIES[reply];
  return row.isEarly === true;
}
