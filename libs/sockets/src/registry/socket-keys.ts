import type { KeySpace } from '@pns/redis';
import type { UserKey } from '@pns/subscriptions';

/** One socket of a user. */
export interface SocketKey extends UserKey {
  readonly client: string;
  /** Unique among the user's open sockets; 1 to 128 of `A-Z a-z 0-9 _ . ~ -`. */
  readonly connection: string;
  /** Whether the server generated the connection id. Then the client comes back under another id. */
  readonly isAnonymous: boolean;
}

/** One opening of a socket. Several openings may have the same connection id, one after the other. */
export interface Opening extends SocketKey {
  /** Unique at its node. */
  readonly opening: string;
  /** The session that opened the socket. Another opening of the same session can take it over. */
  readonly session: string;
}

/** The keys of a user: sockets, mailbox, its index and the backlog of earlier versions, as entries.lua describes them. */
export function keysOf(keys: KeySpace, { context, user }: UserKey): [string, string, string, string] {
  const group = keys.group(keys.shardOf(context, user));
  return [
    `${group}:sockets:${context}:${user}`,
    `${group}:mailbox:${context}:${user}`,
    `${group}:mail:${context}:${user}`,
    `${group}:backlog:${context}:${user}`,
  ];
}

/** Matches the keys of all users of a context. */
export function keysOfContext(context: number): RegExp {
  return new RegExp(`\\}:(sockets|mailbox|mail|backlog):${context}:\\d+$`);
}

export function flag(value: boolean): '1' | '' {
  return value ? '1' : '';
}
