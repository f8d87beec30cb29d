import type { Delivery, Outcome, Transport } from '@pns/transport-contract';

/** An endpoint that answers as the test requests and records its deliveries. */
export class FarSide implements Transport {
  readonly name = 'webhook';
  options: (client: string) => unknown = () => undefined;
  credentialsExpireAt: (client: string) => number | undefined = () => undefined;
  capacity: (client: string) => number = () => Infinity;
  readonly came: Delivery[] = [];
  private readonly waiting = new Set<() => void>();

  constructor(private readonly answer: (delivery: Delivery, signal: AbortSignal) => Outcome | Promise<Outcome>) {}

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    this.came.push(delivery);
    for (const check of this.waiting) check();
    return this.answer(delivery, signal);
  }

  /** Resolves when `isEnough` is true for the recorded deliveries. */
  until(isEnough: (came: readonly Delivery[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isEnough(this.came)) return;
        this.waiting.delete(check);
        resolve();
      };
      this.waiting.add(check);
      check();
    });
  }
}
