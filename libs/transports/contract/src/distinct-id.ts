/** The fields that identify a notification of a user. */
export interface IdentifiedNotification {
  /** The producer's own id, or a generated one. */
  readonly id: string;
  /** Distinguishes notifications of two producers whose own ids are equal; absent where ids are unique without it. */
  readonly producer?: string | undefined;
}

/**
 * An id that no notification of another producer has: the notification's id, or for a CloudEvent its id, a space and its
 * producer. Neither the id nor the producer contains a space.
 */
export function distinctId({ id, producer }: IdentifiedNotification): string {
  return producer === undefined ? id : `${id} ${producer}`;
}

/** The inverse of `distinctId`. */
export function identifiedBy(distinct: string): IdentifiedNotification {
  const space = distinct.indexOf(' ');
  return space < 0 ? { id: distinct } : { id: distinct.slice(0, space), producer: distinct.slice(space + 1) };
}
