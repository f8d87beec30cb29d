/** The number of users that share the load, in ten contexts. */
const manyUsers = 10_000;

/** The body that a producer posts. */
export interface Notification {
  readonly context: number;
  readonly user: number;
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A user by number, from 0 on. */
export function userOf(index: number): Pick<Notification, 'context' | 'user'> {
  return { context: 1 + (index % 10), user: 1 + index };
}

/** The bodies of requests with `perRequest` notifications each. */
export function batchesOf(first: number, count: number, perRequest: number, users: number): string[] {
  return Array.from({ length: count / perRequest }, (_, request) => {
    const from = first + request * perRequest;
    const notifications = Array.from({ length: perRequest }, (_, index) => mailNotification(from + index, users));
    return JSON.stringify({ notifications });
  });
}

/** The notification number `index`. It differs from all others, so it opens its own window. `users` users get them in turn. */
export function mailNotification(index: number, users = manyUsers): Notification {
  return {
    ...userOf(index % users),
    topic: 'ox:mail:new',
    payload: {
      folder: 'default0/INBOX',
      id: String(index),
      email: 'jane.doe@example.com',
      displayname: 'Jane Doe',
      subject: "Let's meet",
      unread: index % 100,
      teaser: 'Hello',
    },
  };
}
