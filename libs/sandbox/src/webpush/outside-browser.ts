import type { Check } from '../arrivals';
import type { PushMessage, UserAgent } from './user-agent';
import type { WebpushSubscription } from './webpush-subscription';

type Report = 'delivered' | 'undecryptable' | 'notDelivered';

/** The reports of a browser about a message, by their codes. Source: `PushServiceWebSocket.sys.mjs` of Firefox. */
export const reports: ReadonlyMap<number, Report> = new Map([
  [100, 'delivered'],
  [101, 'undecryptable'],
  [102, 'notDelivered'],
]);

/** A message for one web app that the browser has not acknowledged yet. */
interface Pending {
  readonly channelID: string;
  readonly message: PushMessage;
  /** Ms since the epoch. */
  readonly expiresAt: number;
}

/** The protocol's message to the browser that contains a push message. */
export type Notification = Readonly<Record<string, unknown>>;

const maxPending = 1000;
/** Messages are not checked, because only the browser has the key. */
const checks: readonly Check[] = [];

/**
 * A browser outside the sandbox, known by its user agent id. Its messages wait here until they are acknowledged, at most
 * for their TTL, and are sent again after a reconnect.
 */
export class OutsideBrowser {
  readonly reported: Record<Report, number> = { delivered: 0, undecryptable: 0, notDelivered: 0 };
  readonly channels = new Map<string, WebpushSubscription>();
  private pending = new Map<string, Pending>();
  private send: ((notification: Notification) => void) | undefined;

  constructor(
    readonly uaid: string,
    private readonly now: () => number,
  ) {}

  get state() {
    const { uaid, reported } = this;
    const isConnected = this.send !== undefined;
    return { uaid, isConnected, channels: [...this.channels.keys()], pending: this.pending.size, reported };
  }

  /** Sends all waiting and further messages with `send`. Call the returned function when the connection is closed. */
  connected(send: (notification: Notification) => void): () => void {
    this.send = send;
    for (const [id, each] of this.pending) {
      if (each.expiresAt > this.now()) send(this.notification(each));
      else this.pending.delete(id);
    }
    return () => {
      if (this.send === send) this.send = undefined;
    };
  }

  /** The recipient of the messages of one web app. */
  channel(channelID: string): UserAgent {
    return {
      receive: (message) => {
        this.accept({ channelID, message, expiresAt: message.expiresAt });
        return { checks };
      },
    };
  }

  /** Ends a subscription; returns whether there was one. */
  unregister(channelID: string): boolean {
    const subscription = this.channels.get(channelID);
    if (subscription !== undefined) subscription.isEnded = true;
    for (const [id, each] of this.pending) if (each.channelID === channelID) this.pending.delete(id);
    return this.channels.delete(channelID);
  }

  acknowledge(id: string, report: Report): void {
    if (this.pending.delete(id)) this.reported[report]++;
  }

  private accept(added: Pending): void {
    const { channelID, message } = added;
    for (const [id, each] of this.pending) {
      const isReplaced = message.topic !== undefined && each.message.topic === message.topic;
      if (isReplaced && each.channelID === channelID) this.pending.delete(id);
    }
    // A message with a TTL of 0 is not kept for a browser that is not connected.
    if (this.send === undefined && added.expiresAt <= this.now()) return;
    if (this.pending.size < maxPending) this.pending.set(message.id, added);
    this.send?.(this.notification(added));
  }

  private notification({ channelID, message, expiresAt }: Pending): Notification {
    return {
      messageType: 'notification',
      channelID,
      version: message.id,
      ttl: Math.max(0, Math.round((expiresAt - this.now()) / 1000)),
      ...(message.body.length > 0 && {
        data: message.body.toString('base64url'),
        headers: { encoding: 'aes128gcm' },
      }),
    };
  }
}
