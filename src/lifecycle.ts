import { type Flying, InFlight } from './lifecycle/in-flight.ts';

/**
 * In their order. `starting`: nothing listens yet. `ready`: serving. `draining`: serving while the balancer looks away.
 * `closing`: only what is already connected is served. `stopped`: over.
 */
const STATES = ['starting', 'ready', 'draining', 'closing', 'stopped'] as const;

export type LifecycleState = (typeof STATES)[number];

/** Where the service is in its life, and the calls in flight. It knows neither sockets nor signals. */
export class Lifecycle<Call extends Flying = Flying> {
  #state: LifecycleState = 'starting';
  readonly #inFlight = new InFlight<Call>();
  #onEmpty: (() => void) | undefined;

  get state(): LifecycleState {
    return this.#state;
  }

  /** How many calls are in flight. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** The calls that are in flight now. */
  get calls(): readonly Call[] {
    return this.#inFlight.list();
  }

  /** Moves on; a state is never left for an earlier one. */
  become(state: LifecycleState): void {
    if (STATES.indexOf(state) > STATES.indexOf(this.#state)) this.#state = state;
  }

  enter(call: Call): void {
    this.#inFlight.enter(call);
  }

  leave(call: Call): void {
    this.#inFlight.leave(call);
    if (this.#inFlight.size === 0) this.#onEmpty?.();
  }

  /** Resolves when no call is in flight. */
  async empty(): Promise<void> {
    if (this.#inFlight.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }
}
