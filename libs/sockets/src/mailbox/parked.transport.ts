import { Injectable } from '@nestjs/common';
import { socketTargetOf, withTarget } from '@pns/delivery';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { Mailboxes } from './mailboxes';
import { endOfForwarding, SocketForwarding } from './socket-forwarding';

/** Runs the queue of parked sockets: forwards deliveries that have no node yet, and ends the parking of deliveries that have waited. */
@Injectable()
export class ParkedTransport implements Transport {
  readonly name = 'websocket';

  constructor(
    private readonly mailboxes: Mailboxes,
    private readonly forwarding: SocketForwarding,
  ) {}

  /**
   * Forwards a delivery whose socket is not at the node that the delivery was sent to. `isPartlySent`: other sockets at that node
   * received the delivery.
   */
  async forward(delivery: Delivery, isPartlySent = false): Promise<Outcome> {
    const [outcome] = await this.forwarding.forward([{ delivery, isPartlySent }]);
    return outcome ?? endOfForwarding.gone;
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const target = socketTargetOf(delivery);
    if (target.kind !== 'parked' || target.step === 'find') return this.forward(delivery);
    return target.step === 'settle' ? this.settle(delivery) : endOfForwarding[target.step];
  }

  private async settle(delivery: Delivery): Promise<Outcome> {
    const settled = await this.mailboxes.settle(delivery);
    if (settled.kind === 'missed') return { kind: 'expired', reason: 'its socket did not come back' };
    if (settled.kind === 'back') {
      const attempt = delivery.attempt + 1;
      const again = settled.back.map((place) => withTarget(settled.delivery, { kind: 'socket', ...place }));
      await this.forwarding.sendBack(again.map((each) => ({ ...each, attempt })));
    }
    return { kind: 'moved', reason: 'its socket came back' };
  }
}
