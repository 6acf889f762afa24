import { type OpenCall, OpenCalls } from './lifecycle/open-calls.ts';

/**
 * In their order. `starting`: nothing listens yet. `ready`: serving. `draining`: serving while the balancer looks away.
 * `closing`: only what is already connected is served. `stopped`: over.
 */
const STATES = ['starting', 'ready', 'draining', 'closing', 'stopped'] as const;

export type LifecycleState = (typeof STATES)[number];

/** A call, and whether it is in flight, which only {@link Lifecycle} reads and writes. */
export interface LivingCall extends OpenCall {
  isInFlight: boolean;
}

/**
 * Where the service is in its life, and the calls that are open: in flight, about to be, or refused, whose answers may
 * take a while. It knows neither sockets nor signals.
 */
export class Lifecycle<Call extends LivingCall = LivingCall> {
  #state: LifecycleState = 'starting';
  readonly #open = new OpenCalls<Call>();
  #inFlight = 0;
  #onEmpty: (() => void) | undefined;

  get state(): LifecycleState {
    return this.#state;
  }

  /** How many calls are in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The calls that are open now. */
  get calls(): readonly Call[] {
    return this.#open.list();
  }

  /** Moves on; a state is never left for an earlier one. */
  become(state: LifecycleState): void {
    if (STATES.indexOf(state) > STATES.indexOf(this.#state)) this.#state = state;
  }

  /** A call has come. */
  begin(call: Call): void {
    this.#open.enter(call);
  }

  /** A call that has begun is in flight from now on. */
  enter(call: Call): void {
    call.isInFlight = true;
    this.#inFlight += 1;
  }

  /** A call is over. */
  leave(call: Call): void {
    this.#open.leave(call);
    if (!call.isInFlight) return;
    call.isInFlight = false;
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#onEmpty?.();
  }

  /** Resolves when no call is in flight. */
  async empty(): Promise<void> {
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}
