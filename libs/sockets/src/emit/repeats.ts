import { distinctId, type Delivery } from '@pns/transport-contract';

/**
 * For this time after its opening, in ms, a socket can receive a notification in two ways: as an open socket of its node, and
 * from its mailbox or the node where it was before. `CatchUp` waits up to 15 s for that node.
 */
const repeatsWithinMs = 30_000;

/** Maximum number of notifications that are remembered in this time. A mailbox has the same limit by default. */
const maxRemembered = 1000;

/** The notifications that were sent to a socket soon after its opening. */
export class Repeats {
  private readonly openedAt = performance.now();
  /** The id of each notification's first delivery. */
  private remembered: Map<string, string> | undefined;

  /**
   * Whether another delivery has sent the same notification to the socket. Remembers the delivery. A further attempt of the same
   * delivery is no repeat, because its first attempt may have failed.
   */
  has({ id, notificationId, producer }: Delivery): boolean {
    const isNew = performance.now() - this.openedAt < repeatsWithinMs;
    if (!isNew || this.remembered?.size === maxRemembered) {
      this.remembered = undefined;
      return false;
    }
    this.remembered ??= new Map();
    const notification = distinctId({ id: notificationId, producer });
    const sent = this.remembered.get(notification);
    if (sent === undefined) this.remembered.set(notification, id);
    return sent !== undefined && sent !== id;
  }
}
