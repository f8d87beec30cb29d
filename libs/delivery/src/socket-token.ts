/** The "node" of sockets that are away: all nodes work on its queue. */
export const parkedNode = '-';

/** What is left to do with a delivery in the queue of sockets that are away. */
export type ParkedStep =
  /** Find out where its sockets are. */
  | 'find'
  /** Its waiting is over: record whether a socket got it. */
  | 'settle'
  /** Record that no mailbox had room for it. */
  | 'full'
  /** Record that no socket can come back. */
  | 'gone';

/**
 * The token of a delivery to sockets that are away; with `namedOnly` not for sockets without a connection id of their own. Nodes
 * of earlier versions read the second word as the attempt that began the waiting, and end the waiting at a later one.
 */
export function parkedToken(step: ParkedStep = 'find', namedOnly = false): string {
  if (step !== 'find') return `${parkedNode} 0 ${step}`;
  return `${parkedNode} find${namedOnly ? ' named' : ''}`;
}

/** What `parkedToken` wrote. */
export interface ParkedToken {
  readonly step: ParkedStep;
  readonly namedOnly: boolean;
  /** Whether an earlier version wrote it. */
  readonly isEarlier: boolean;
}

/** Reads the token of a delivery to sockets that are away. `attempt` is that of the delivery. */
export function readParkedToken(token: string, attempt = 1): ParkedToken {
  const [, word = '', more] = token.split(' ');
  if (word === 'find') return { step: 'find', namedOnly: more === 'named', isEarlier: false };
  const ended = word === '0' ? (['settle', 'full', 'gone'] as const).find((step) => step === more) : undefined;
  if (ended !== undefined) return { step: ended, namedOnly: false, isEarlier: false };
  return { step: attempt > Number(word) ? 'settle' : 'find', namedOnly: more === 'named', isEarlier: true };
}

/** The node that a delivery's token names. */
export function nodeOf(token: string): string {
  return token.split(' ', 1)[0] ?? token;
}
