import type { Check } from '../arrivals';
import { isDeclarative, shownOf } from './declarative-message';
import { decrypted, newSubscriptionKeys, type SubscriptionKeys } from './message-encryption';

/** A message that the push service accepted. */
export interface PushMessage {
  readonly id: string;
  /** The encrypted content; empty if the message has no content. */
  readonly body: Buffer;
  /** Ms since the epoch. */
  readonly expiresAt: number;
  /** A message replaces an earlier message with the same topic that was not delivered yet. */
  readonly topic?: string;
}

/** How a user agent handled a message. */
export interface Received {
  /** The decrypted text; absent if decryption failed, or if only an outside browser has the key. */
  readonly text?: string;
  readonly checks: readonly Check[];
}

/** The program in which a web app subscribed. */
export interface UserAgent {
  receive(message: PushMessage): Received;
}

/** A user agent inside the sandbox: it decrypts each message and checks the content. */
export class SimulatedUserAgent implements UserAgent {
  private readonly keys: SubscriptionKeys = newSubscriptionKeys();

  /** The keys of the subscription as `PushSubscription.toJSON()` has them. */
  readonly publicKeys = {
    p256dh: this.keys.p256dh.toString('base64url'),
    auth: this.keys.auth.toString('base64url'),
  };

  receive({ body }: PushMessage): Received {
    if (body.length === 0) return { text: '', checks: [] };
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(decrypted(body, this.keys));
      return { text, checks: [{ name: 'encryption', verdict: 'valid' }, ...payloadChecks(text)] };
    } catch (error) {
      return { checks: [{ name: 'encryption', verdict: 'invalid', reason: (error as Error).message }] };
    }
  }
}

const withoutPage: Check = {
  name: 'navigate',
  verdict: 'missing',
  reason: 'Only a service worker shows a declarative message without navigate.',
};

function payloadChecks(text: string): Check[] {
  if (!isDeclarative(text)) return [];
  try {
    const { navigate } = shownOf(text);
    return [{ name: 'payload', verdict: 'valid' }, ...(navigate === undefined ? [withoutPage] : [])];
  } catch (error) {
    return [{ name: 'payload', verdict: 'invalid', reason: (error as Error).message }];
  }
}
