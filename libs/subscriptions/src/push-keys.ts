/** The keys of a Web Push subscription, in base64url without padding. */
export interface PushKeys {
  /** The public key of the browser. */
  readonly p256dh: string;
  /** The secret that the browser shares with the server. */
  readonly auth: string;
  /** The public VAPID key with which the browser subscribed; its push service accepts no other one. */
  readonly applicationServerKey: string;
}
