import type { Delivery, ParkedStep, SocketTarget } from '@pns/transport-contract';

/** The "node" of parked sockets: all nodes work on its queue. */
export const parkedNode = '-';

/** The open sockets, or the parked ones, that a delivery over the websocket transport is for. */
type DeliveryTarget =
  | SocketTarget
  /** All sockets of the delivery's client at a node. */
  | { readonly kind: 'node'; readonly node: string };

/** The target of a delivery over the websocket transport. Reads the deliveries of earlier versions too. */
export function socketTargetOf({
  target,
  token,
  attempt,
}: Pick<Delivery, 'target' | 'token' | 'attempt'>): DeliveryTarget {
  return target ?? targetInToken(token, attempt);
}

/** The node whose queue contains the delivery: `parkedNode` for parked sockets. */
export function nodeOf(delivery: Pick<Delivery, 'target' | 'token' | 'attempt'>): string {
  const target = socketTargetOf(delivery);
  return target.kind === 'parked' ? parkedNode : target.node;
}

/**
 * Returns the delivery with another target. The token is set too, because earlier versions read the target from the token, and
 * because the token is a part of a job's id.
 */
export function withTarget(delivery: Delivery, target: SocketTarget): Delivery {
  return { ...delivery, target, token: tokenOf(target) };
}

/**
 * Returns the token for a target, for earlier versions. They read the second word of a parked delivery's token as an attempt, and
 * end the parking at a later attempt; with 0 they end it at once.
 */
function tokenOf(target: SocketTarget): string {
  if (target.kind === 'socket') return `${target.node} ${target.connection}`;
  if (target.step !== 'find') return `${parkedNode} 0 ${target.step}`;
  return `${parkedNode} find${target.namedOnly === true ? ' named' : ''}`;
}

const endSteps: readonly ParkedStep[] = ['settle', 'full', 'gone'];

/**
 * Returns the target that the token of a delivery without `target` contains. The token has one of these formats:
 * - `<node>`: all sockets of the client at a node; this format is still in use.
 * - `<node> <connection>`, `- find`, `- find named`, `- 0 <step>`: written by the version before the field `target`.
 * - `- <attempt>`, `- <attempt> named`: written by the version before mailboxes, which ends the parking after this attempt.
 */
function targetInToken(token: string, attempt: number): DeliveryTarget {
  const space = token.indexOf(' ');
  if (space === -1) return token === parkedNode ? { kind: 'parked', step: 'find' } : { kind: 'node', node: token };
  const node = token.slice(0, space);
  if (node !== parkedNode) return { kind: 'socket', node, connection: token.slice(space + 1) };
  const [, word = '', more] = token.split(' ');
  const namedOnly = more === 'named' ? { namedOnly: true as const } : {};
  if (word === 'find') return { kind: 'parked', step: 'find', ...namedOnly };
  const end = word === '0' ? endSteps.find((step) => step === more) : undefined;
  if (end !== undefined) return { kind: 'parked', step: end };
  return { kind: 'parked', step: attempt > Number(word) ? 'settle' : 'find', isBeforeMailboxes: true, ...namedOnly };
}
