import { Injectable } from '@nestjs/common';
import { readParkedToken } from '@pns/delivery';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { socketToken } from '../emit/websocket.payload';
import { Mailboxes } from './mailboxes';
import { endOfForwarding, SocketForwarding } from './socket-forwarding';

/** Works on the queue of parked sockets: forwards deliveries that have no node yet, and ends the parking of those that waited. */
@Injectable()
export class ParkedTransport implements Transport {
  readonly name = 'websocket';

  constructor(
    private readonly mailboxes: Mailboxes,
    private readonly forwarding: SocketForwarding,
  ) {}

  /** Forwards a delivery whose socket is not at the node that its token names. `isPartlySent`: other sockets there received it. */
  async forward(delivery: Delivery, isPartlySent = false): Promise<Outcome> {
    const [outcome] = await this.forwarding.forward([{ delivery, isPartlySent }]);
    return outcome ?? endOfForwarding.gone;
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
      await this.forwarding.sendBack(tokens.map((token) => ({ ...settled.delivery, token, attempt })));
    }
    return { kind: 'moved', reason: 'its socket came back' };
  }
}
