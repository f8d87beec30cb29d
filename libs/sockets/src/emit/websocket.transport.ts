import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { isEventName } from './websocket.payload';
import type { LocalSockets } from './local-sockets';

/** Forwards a delivery whose socket is not at this node. `isPartlySent`: other sockets at this node received the delivery. */
type Forward = (delivery: Delivery, isPartlySent?: boolean) => Promise<Outcome>;

/** Emits deliveries to the sockets of this node. */
export class WebsocketTransport implements Transport {
  readonly name = 'websocket';

  constructor(
    private readonly sockets: LocalSockets,
    private readonly forward: Forward,
  ) {}

  /** Sends once, to each socket that the delivery is for. Rejects only when `signal` is aborted or `forward` rejects. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    if (!isEventName(delivery.topic)) {
      return { kind: 'rejected', reason: `Socket.IO reserves the name ${delivery.topic}` };
    }
    const addressed = this.sockets.addressedBy(delivery);
    if (addressed.length === 0) return this.forward(delivery);
    for (const socket of addressed) socket.send(delivery);
    if (this.sockets.mayBeMissedBy(delivery)) await this.forward(delivery, true);
    return { kind: 'delivered' };
  }
}
