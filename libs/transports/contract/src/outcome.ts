/** The far side's verdict on one attempt. Only `retry` leads to another attempt. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly providerId?: string }
  /**
   * Try again, not before `afterMs` milliseconds when given, else after the usual back-off; one that only waits for something
   * comes back however often it may be tried. Where `isSpared`, nothing was sent, so that it was no attempt: the same one is
   * still to be made.
   */
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly afterMs?: number;
      readonly isWaiting?: true;
      readonly isSpared?: true;
    }
  /**
   * The target is dead: its subscription is retired, unless it was registered again since the attempt began; or since the target
   * was dead, in ms since the epoch, where the far side tells.
   */
  | { readonly kind: 'gone'; readonly reason: string; readonly since?: number }
  /** This payload can never be accepted by this target. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /**
   * Our credentials or settings are at fault: tell the operator, never cost a subscription. The client's other
   * deliveries wait until that is mended, unless only this target is concerned.
   */
  | { readonly kind: 'misconfigured'; readonly reason: string; readonly isTargetOnly?: true }
  /** The last attempt that it may have failed, or its process died of it: it is kept and can be sent again. */
  | { readonly kind: 'exhausted'; readonly reason: string }
  /** Its time to live ran out before it could be sent. */
  | { readonly kind: 'expired'; readonly reason: string }
  /** Not sent, on purpose: its transport is switched off for it, its subscription is no more, or its target caused it. */
  | { readonly kind: 'suppressed'; readonly reason: string }
  /** Another queue carries it now, because its target moved: nothing has ended, and this queue is done with it. */
  | { readonly kind: 'moved'; readonly reason: string };

export type OutcomeKind = Outcome['kind'];
