/** How long a socket that closed may come back and collect what it missed, in ms. As in entries.lua. */
export const awayMs = 120_000;

/** How long a socket that closed is known, in ms: one that comes back in this time is told that it missed something. */
export const knownMs = 240_000;

/** The "node" of sockets that are away: all nodes work on its queue. */
export const awayNode = '-';

/** What is left to do with a delivery in the queue of sockets that are away. */
export type AwayStep =
  /** Find out where its sockets are. */
  | 'find'
  /** Its waiting is over: record whether a socket got it. */
  | 'settle'
  /** Record that no mailbox had room for it. */
  | 'full'
  /** Record that no socket is to be waited for. */
  | 'gone';

/** The token of a delivery to sockets that are away; with `namedOnly` not for sockets without a connection id of their own. */
export function awayToken(step: AwayStep = 'find', namedOnly = false): string {
  return `${awayNode} ${step}${namedOnly ? ' named' : ''}`;
}

/**
 * Reads what `awayToken` wrote. Earlier versions wrote the number of the first attempt instead of the step: a later attempt
 * ends the waiting.
 */
export function readAwayToken(token: string, attempt = 1): { readonly step: AwayStep; readonly namedOnly: boolean } {
  const [, word = '', named] = token.split(' ');
  const step = (['find', 'settle', 'full', 'gone'] as const).find((one) => one === word);
  return { step: step ?? (attempt > Number(word) ? 'settle' : 'find'), namedOnly: named !== undefined };
}

/** The node that a delivery's token names. */
export function nodeOf(token: string): string {
  return token.split(' ', 1)[0] ?? token;
}
