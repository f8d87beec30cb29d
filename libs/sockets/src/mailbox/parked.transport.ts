import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { endOfForwarding, SocketForwarding } from './socket-forwarding';
import { Mailboxes } from './mailboxes';
import { readParkedToken } from '@pns/delivery';
import { Queues } from '@pns/queue';
import { socketToken } from '../emit/websocket.payload';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';

/**
 * Where deliveries go whose socket is away, or is not where it was: into its mailbox, or on to the node that holds it by now.
 * Works on the queue in which the waiting of parked deliveries ends.
 */
@Injectable()
export class ParkedTransport implements Transport {
  readonly name = 'websocket';
  private readonly forwarding: SocketForwarding;

  constructor(
    queues: Queues,
    private readonly mailboxes: Mailboxes,
    cascade: ConfigCascade,
  ) {
    this.forwarding = new SocketForwarding(queues, mailboxes, cascade);
  }

  /** Forwards a delivery whose socket is not at the node that its token names. `isPartlySent`: other sockets there have it. */
  async forward(delivery: Delivery, isPartlySent = false): Promise<Outcome> {
    const [outcome] = await this.forwarding.forward([{ delivery, isPartlySent }]);
    return outcome ?? endOfForwarding.gone;
  }

  /** Forwards all deliveries that a node left behind. Those that end here are recorded with the queue of this transport. */
  forwardAll(deliveries: readonly Delivery[]): Promise<void> {
    return this.forwarding.forwardAll(deliveries);
  }

  /** Sends deliveries to the sockets that their tokens name. */
  sendBack(deliveries: readonly Delivery[]): Promise<void> {
    return this.forwarding.sendBack(deliveries);
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const { step } = readParkedToken(delivery.token, delivery.attempt);
    if (step === 'full' || step === 'gone') return endOfForwarding[step];
    if (step === 'find') return this.forward(delivery);
    return this.settle(delivery);
  }

  private async settle(delivery: Delivery): Promise<Outcome> {
    const settled = await this.mailboxes.settle(delivery);
    if (settled.kind === 'missed') return { kind: 'expired', reason: 'its socket did not come back' };
    if (settled.kind === 'back') {
      const attempt = delivery.attempt + 1;
      const tokens = settled.back.map(({ node, connection }) => socketToken(node, connection));
      await this.sendBack(tokens.map((token) => ({ ...settled.delivery, token, attempt })));
    }
    return { kind: 'moved', reason: 'its socket came back' };
  }
}
