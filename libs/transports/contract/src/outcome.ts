/** The result of one attempt. Only `retry` leads to another attempt. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly providerId?: string }
  /**
   * The delivery is tried again, not before `afterMs` milliseconds if given, else after the usual back-off. With `isWaiting` the
   * number of attempts is not limited. With `isDeferred` the delivery was deferred: nothing was sent, so no attempt is counted.
   * With `isFromEndpoint` the endpoint answered, or a request to it got no answer. Without `isFromEndpoint` the cause is on our
   * side. With `isInternal` a fault of this process or its host ended the attempt, so the attempt is not measured.
   */
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly afterMs?: number;
      readonly isWaiting?: true;
      readonly isDeferred?: true;
      readonly isFromEndpoint?: true;
      readonly isInternal?: true;
    }
  /**
   * The target is dead: its subscription is retired, unless it was registered again after the attempt began. If the provider
   * reports in `since` when the target died (ms since the epoch), this time replaces the start of the attempt.
   */
  | { readonly kind: 'gone'; readonly reason: string; readonly since?: number }
  /** This payload can never be accepted by this target. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /**
   * Our credentials or settings are wrong: the operator is alerted and the subscription is kept. The client's other deliveries
   * are held until the operator has corrected them, unless `isTargetOnly` is set. `isFromEndpoint` means the same as for `retry`.
   */
  | {
      readonly kind: 'misconfigured';
      readonly reason: string;
      readonly isTargetOnly?: true;
      readonly isFromEndpoint?: true;
    }
  /**
   * The last attempt failed, or the delivery killed its process. The delivery is stored and can be sent again. With `isKept` no
   * attempt was made, because the endpoint is switched off; when it is switched on, the delivery is sent automatically.
   */
  | { readonly kind: 'exhausted'; readonly reason: string; readonly isKept?: true }
  /** The time to live ended before the delivery could be sent. */
  | { readonly kind: 'expired'; readonly reason: string }
  /**
   * The delivery is not sent on purpose: its transport is switched off, its subscription was deleted or has expired, or its
   * target caused the notification.
   */
  | { readonly kind: 'suppressed'; readonly reason: string }
  /** The delivery was moved to another queue, because its target moved. It has not ended. */
  | { readonly kind: 'moved'; readonly reason: string };

/** The kind of an outcome. */
export type OutcomeKind = Outcome['kind'];
