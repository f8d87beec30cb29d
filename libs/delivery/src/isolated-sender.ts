import type { ConfigCascade } from '@pns/config-cascade';
import { log } from '@pns/runtime';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { internalError } from './attempts';

/** A message from a worker to its isolated process. */
export type SenderRequest =
  { readonly kind: 'deliver'; readonly call: number; readonly delivery: Delivery } | { readonly kind: 'ping' };

/** A message from the isolated process to the worker. `ready` comes first and once. */
export type SenderAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'ended'; readonly call: number; readonly outcome: Outcome };

/** Sends the deliveries that the parent process requests, and returns their outcomes. The parent makes all other decisions. */
export class IsolatedSender {
  constructor(
    private readonly transport: Pick<Transport, 'name' | 'deliver'>,
    private readonly cascade: Pick<ConfigCascade, 'load'>,
  ) {}

  serve(): void {
    process.on('message', (request: SenderRequest) => void this.answer(request));
    write({ kind: 'ready' });
  }

  private async answer(request: SenderRequest): Promise<void> {
    if (request.kind === 'ping') return write({ kind: 'pong' });
    write({ kind: 'ended', call: request.call, outcome: await this.outcomeOf(request.delivery) });
  }

  private async outcomeOf(delivery: Delivery): Promise<Outcome> {
    try {
      await this.cascade.load([delivery]); // the text of a push depends on properties
      return await this.transport.deliver(delivery, neverAborted);
    } catch (error) {
      log.error({ event: 'delivery.fault', delivery: delivery.id, transport: this.transport.name, err: error });
      return internalError;
    }
  }
}

/** A signal that is never aborted, because the parent kills this process instead. */
const neverAborted = new AbortController().signal;

/** Sends a message to the parent. Errors are ignored, because this process ends with its parent. */
function write(answer: SenderAnswer): void {
  process.send?.(answer, undefined, undefined, () => undefined);
}
