import type { Decision, Origin, Place } from '@pns/config-cascade';
import { parkedNode } from '@pns/delivery';
import type { SocketGroup } from '@pns/sockets';
import { isExpired, type Subscription } from '@pns/subscriptions';
import { matchingPattern } from '@pns/topics';
import type { TransportName } from '@pns/transport-contract';
import type { Explanation, UserExplanation } from './config.dto';

interface Question {
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly topic: string;
  readonly transport: TransportName;
}

interface Explained {
  readonly decision: Decision;
  readonly places: readonly Place[];
}

/** Everything that led to a decision, and a few sentences about it. */
export function explanationOf(
  question: Question,
  explained: Explained | undefined,
  { subscriptions, sockets, isComplete }: Targets,
  rules: SocketRules,
): Explanation {
  // Only for a subject that the cache let go of while it was being asked for: that denies, here as everywhere.
  const { decision, places } = explained ?? { decision: notLoaded, places: [] };
  const decided = {
    isEnabled: decision.isEnabled,
    decidedBy: { name: decision.name, origin: decision.origin },
    places: [...places],
    isComplete,
  };
  const because = decisionSentence(question, decision);
  if (question.transport === 'websocket') {
    const found = socketsOf(question, sockets, rules);
    return { ...decided, sentence: `${because} ${socketSentence(question, found)}`, subscriptions: [], sockets: found };
  }
  const matched = subscriptions.map((subscription): Explanation['subscriptions'][number] => {
    const matchedBy = matchingPattern(question.topic, subscription.topics);
    const { id, topics } = subscription;
    const view = { id, topics: [...topics], isExpired: isExpired(subscription, rules.now) };
    return matchedBy === undefined ? view : { ...view, matchedBy };
  });
  const count = matched.filter((each) => each.matchedBy !== undefined && !each.isExpired).length;
  const sentence = subscriptionSentence(question, { count, all: matched.length, isComplete });
  return { ...decided, sentence: `${because} ${sentence}`, subscriptions: matched };
}

/** Everything that a user's notifications may go to. */
export interface Targets {
  readonly subscriptions: readonly Subscription[];
  /** Whether the user has no other subscriptions than these. */
  readonly isComplete: boolean;
  readonly sockets: readonly SocketGroup[];
}

/** How it is found out what sockets hear of, at which time. */
export interface SocketRules {
  /** The topic patterns of a client's sockets. */
  readonly socketTopics: (client: string) => readonly string[];
  readonly now: number;
}

/** How the answers about each of the targets are found. */
export interface TargetRules extends SocketRules {
  readonly decisionOn: (transport: TransportName, client: string) => Decision | undefined;
}

type Target = UserExplanation['targets'][number];

/** Which subscriptions and open sockets of a user get a topic, and why the others do not. */
export function userExplanationOf(
  question: Pick<Question, 'context' | 'user' | 'topic'>,
  { subscriptions, isComplete, sockets }: Targets,
  rules: TargetRules,
): UserExplanation {
  const targets = [
    ...subscriptions.map((subscription) => subscriptionTarget(question.topic, subscription, rules)),
    ...[...new Set(sockets.map(({ client }) => client))].map((client) =>
      socketTarget({ topic: question.topic, client }, sockets, rules),
    ),
  ];
  return { sentence: userSentence(question, targets, isComplete), targets, isComplete };
}

function subscriptionTarget(topic: string, subscription: Subscription, rules: TargetRules): Target {
  const { id, client, transport, topics, expiresAt } = subscription;
  const hasExpired = isExpired(subscription, rules.now);
  const expiry = hasExpired ? [`it expired at ${new Date(expiresAt ?? 0).toISOString()}`] : [];
  return { subscription: id, isExpired: hasExpired, ...targetOf({ topic, client, transport, topics, rules }, expiry) };
}

function socketTarget(
  of: Pick<Question, 'topic' | 'client'>,
  sockets: readonly SocketGroup[],
  rules: TargetRules,
): Target {
  const { open, away, topics } = socketsOf(of, sockets, rules);
  const unknown = topics.length === 0 ? [unnamed(of.client)] : [];
  return {
    sockets: { open, away },
    isExpired: false,
    ...targetOf({ ...of, transport: 'websocket', topics, rules }, unknown),
  };
}

/** The sockets of a client, and by which of its patterns they hear of a topic. */
function socketsOf(
  { topic, client }: Pick<Question, 'topic' | 'client'>,
  sockets: readonly SocketGroup[],
  { socketTopics }: SocketRules,
): NonNullable<Explanation['sockets']> {
  const count = (isAway: boolean) =>
    sockets
      .filter((group) => group.client === client && (group.node === parkedNode) === isAway)
      .reduce((sum, { connections }) => sum + connections.length, 0);
  const topics = socketTopics(client);
  const matchedBy = matchingPattern(topic, topics);
  return {
    open: count(false),
    away: count(true),
    topics: [...topics],
    ...(matchedBy === undefined ? {} : { matchedBy }),
  };
}

const unnamed = (client: string): string => `websocket-clients.yml names no client ${client}`;

interface Aim {
  readonly topic: string;
  readonly client: string;
  readonly transport: TransportName;
  readonly topics: readonly string[];
  readonly rules: TargetRules;
}

/** `obstacles` are those that only this kind of target has. */
function targetOf(
  { topic, client, transport, topics, rules }: Aim,
  obstacles: readonly string[],
): Omit<Target, 'isExpired'> {
  const matchedBy = matchingPattern(topic, topics);
  const decision = rules.decisionOn(transport, client) ?? notLoaded;
  const against = [
    ...obstacles,
    ...(matchedBy === undefined && topics.length > 0 ? [`none of its topics (${topics.join(', ')}) matches`] : []),
    ...(decision.isEnabled ? [] : [reasonOf(decision)]),
  ];
  const isReached = against.length === 0;
  const because = isReached ? `${matchedBy ?? ''} matches and ${reasonOf(decision)}` : against.join('; ');
  return {
    client,
    transport,
    topics: [...topics],
    ...(matchedBy === undefined ? {} : { matchedBy }),
    isEnabled: decision.isEnabled,
    decidedBy: { name: decision.name, origin: decision.origin },
    isReached,
    sentence: `${client} ${isReached ? 'gets' : 'does not get'} ${topic} through ${transport}, because ${because}.`,
  };
}

function userSentence(
  { context, user, topic }: Pick<Question, 'context' | 'user' | 'topic'>,
  targets: readonly Target[],
  isComplete: boolean,
): string {
  const who = `User ${user} in context ${context}`;
  const rest = isComplete ? '' : ' There are more subscriptions, which are not looked at here.';
  if (targets.length === 0) return `${who} has no subscription and no open socket, so nobody gets ${topic}.`;
  const reached = targets.filter(({ isReached }) => isReached);
  if (reached.length === 0)
    return `${who} has ${targets.length} that could get ${topic}, and none of them does.${rest}`;
  const named = [...new Set(reached.map(({ client, transport }) => `${client} through ${transport}`))].join(', ');
  return `${who} gets ${topic} at ${reached.length} of ${targets.length}: ${named}.${rest}`;
}

const notLoaded: Decision = { isEnabled: false, name: '', origin: { scope: 'default' }, fault: 'could not be loaded' };

function decisionSentence({ context, user, client, topic, transport }: Question, decision: Decision): string {
  const what = `${topic} ${decision.isEnabled ? 'may' : 'may not'} go to ${client} of user ${user} in context ${context} through ${transport}`;
  return `${what}, because ${reasonOf(decision)}.`;
}

function reasonOf({ isEnabled, name, origin, fault, unlisted }: Decision): string {
  if (fault !== undefined) return `${name}, set for ${titleOf(origin)}, cannot be read: it ${fault}`;
  if (unlisted !== undefined) {
    if (origin.scope === 'default') return `nobody has set ${name}, which has to list ${unlisted}`;
    return `${name}, set for ${titleOf(origin)}, does not list ${unlisted}`;
  }
  if (origin.scope === 'default') return `nobody has set ${name} and that is its default`;
  return `${name} is ${isEnabled} for ${titleOf(origin)}`;
}

function subscriptionSentence(
  { topic }: Question,
  { count, all, isComplete }: { readonly count: number; readonly all: number; readonly isComplete: boolean },
): string {
  if (all === 0) return 'There is no subscription of this client through it.';
  const them = isComplete ? `${all} subscription${all === 1 ? '' : 's'}` : `the oldest ${all} subscriptions`;
  return `Of ${them} of this client through it, ${count} ${count === 1 ? 'wants' : 'want'} ${topic}.`;
}

function socketSentence(
  { client, topic }: Question,
  { open, away, topics, matchedBy }: NonNullable<Explanation['sockets']>,
): string {
  const waiting = away === 0 ? '' : `, and ${away} that may come back`;
  const sockets = `It has ${open === 0 ? 'no open socket' : `${open} open socket${open === 1 ? '' : 's'}`}${waiting}`;
  if (topics.length === 0) return `${sockets}; ${unnamed(client)}.`;
  if (matchedBy !== undefined) return `${sockets}; ${matchedBy} in websocket-clients.yml matches ${topic}.`;
  return `${sockets}; none of its topics in websocket-clients.yml (${topics.join(', ')}) matches ${topic}.`;
}

function titleOf(origin: Origin): string {
  switch (origin.scope) {
    case 'user':
      return 'the user';
    case 'context':
      return 'the context';
    case 'contextSet':
      return `the context set ${origin.id ?? ''}`;
    case 'server':
      return origin.id === undefined ? 'the server' : `the server in ${origin.id}`;
    case 'default':
      return 'nobody';
  }
}
