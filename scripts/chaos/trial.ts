import { judge } from './judge.ts';
import { Ledger, type Reading, type Violation } from './ledger.ts';
import type { CallPlan } from './plan.ts';
import type { Seen } from './seen.ts';
import type { LogLine } from './service.ts';
import { Tally } from './tally.ts';

/** A call of which one side is still missing. */
interface OpenCall {
  readonly plan: CallPlan;
  seen?: Seen;
  logged?: LogLine;
}

/** Brings together what caller, log and payment API know of each call, and judges it as soon as all is here. */
export class Trial {
  readonly ledger: Ledger;
  readonly tally: Tally;
  readonly violations: Violation[] = [];
  readonly #open = new Map<number, OpenCall>();
  readonly #lines: Uint8Array;
  readonly #planOf: (id: number) => CallPlan;

  /** @param calls how many there will be; they are numbered from 0 */
  constructor(calls: number, planOf: (id: number) => CallPlan) {
    this.#planOf = planOf;
    this.#lines = new Uint8Array(calls);
    this.ledger = new Ledger(calls, (violation) => this.violations.push(violation));
    this.tally = new Tally(calls);
  }

  /** How many calls have begun and are not judged yet. */
  get open(): number {
    return this.#open.size;
  }

  begin(id: number): CallPlan {
    const plan = this.#planOf(id);
    this.#open.set(id, { plan });
    return plan;
  }

  /** The plan of a call, whether it is open or not; none if there is no such call. */
  planOf(id: number): CallPlan | undefined {
    return this.#open.get(id)?.plan ?? (id >= 0 && id < this.#lines.length ? this.#planOf(id) : undefined);
  }

  saw(id: number, seen: Seen): void {
    const call = this.#open.get(id);
    if (call === undefined) return;
    call.seen = seen;
    this.#close(id, call);
  }

  logged(line: LogLine): void {
    const id = Number(line.requestId);
    const lines = (this.#lines[id] ?? 0) + 1;
    this.#lines[id] = Math.min(lines, 255);
    const call = this.#open.get(id);
    if (lines > 1 || call === undefined || line.outcome === undefined) {
      const what = line.outcome === undefined ? 'a log line has no outcome' : 'a call has more than one log line';
      this.violations.push({ what, detail: JSON.stringify(line) });
      return;
    }
    call.logged = line;
    this.#close(id, call);
  }

  /** No more log lines will come. */
  end(): void {
    for (const [id, call] of this.#open) {
      const what = call.logged === undefined ? 'a call has no log line' : 'a call has no end for its caller';
      this.violations.push({ what, detail: describe(call, this.ledger.of(id)) });
    }
  }

  #close(id: number, call: OpenCall): void {
    const { plan, seen, logged } = call;
    if (seen === undefined || logged?.outcome === undefined) return;
    const reading = this.ledger.of(id);
    const whole = { plan, seen, logged, reading };
    for (const sentence of judge(whole)) {
      this.violations.push({ what: `not true: ${sentence}`, detail: describe(call, reading) });
    }
    this.tally.add(whole);
    this.ledger.close(id, logged.outcome);
    this.#open.delete(id);
  }
}

/** All that is known of a call, for whoever looks for the reason. */
function describe({ plan, seen, logged }: OpenCall, reading: Reading | undefined): string {
  const { id, host, method, path, body, patience, reply, refusedAs, answer } = plan;
  const planned = { id, host, method, path: path.slice(0, 60), bodyBytes: body?.length, patience, reply, refusedAs };
  const seenAnswer = seen?.answer && { ...seen.answer, body: seen.answer.body.length };
  return JSON.stringify({
    planned: { ...planned, answer: { ...answer, body: answer.body.length } },
    reading,
    logged: logged && { ...logged, path: logged.path?.slice(0, 60) },
    seen: seen && { ...seen, answer: seenAnswer },
  });
}
