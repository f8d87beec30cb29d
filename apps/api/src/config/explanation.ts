import { decisionReason, type Decision, type Place } from '@pns/config-cascade';
import { parkedNode } from '@pns/delivery';
import type { SocketGroup } from '@pns/sockets';
import { isExpired, type Subscription } from '@pns/subscriptions';
import { matchingPattern } from '@pns/topics';
import { isRegistered, type TransportName } from '@pns/transport-contract';
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

/** Explains a decision about one client of a user: all places that were checked, and a sentence. */
export function explanationOf(
  question: Question,
  explained: Explained | undefined,
  { subscriptions, sockets, isComplete }: Targets,
  rules: SocketRules,
): Explanation {
  // `explained` is undefined only if the cache evicted the user during this request. For an evicted user, the dispatcher sends
  // nothing.
  const { decision, places } = explained ?? { decision: notLoaded, places: [] };
  const decided = {
    isEnabled: decision.isEnabled,
    decidedBy: { name: decision.name, origin: decision.origin },
    places: [...places],
    isComplete,
  };
  const because = decisionSentence(question, decision);
  if (!isRegistered(question.transport)) {
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

/** The subscriptions and sockets that notifications of a user can be sent to. */
export interface Targets {
  readonly subscriptions: readonly Subscription[];
  /** Whether `subscriptions` contains all subscriptions of the user. */
  readonly isComplete: boolean;
  readonly sockets: readonly SocketGroup[];
}

/** The topics of sockets, and the current time in ms. */
interface SocketRules {
  /** The topic patterns of a client's sockets. */
  readonly socketTopics: (client: string) => readonly string[];
  readonly now: number;
}

/** Finds the decision for each target. */
interface TargetRules extends SocketRules {
  readonly decisionOn: (transport: TransportName, client: string) => Decision | undefined;
}

type Target = UserExplanation['targets'][number];

/** Explains which subscriptions and sockets of a user receive a topic, and why the others do not. */
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

/** The sockets of a client, and the pattern that matches the topic. */
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

/** Explains one target. `obstacles` are reasons against sending that only this kind of target has. */
function targetOf(
  { topic, client, transport, topics, rules }: Aim,
  obstacles: readonly string[],
): Omit<Target, 'isExpired'> {
  const matchedBy = matchingPattern(topic, topics);
  const decision = rules.decisionOn(transport, client) ?? notLoaded;
  const against = [
    ...obstacles,
    ...(matchedBy === undefined && topics.length > 0 ? [`none of its topics (${topics.join(', ')}) matches`] : []),
    ...(decision.isEnabled ? [] : [decisionReason(decision)]),
  ];
  const isReached = against.length === 0;
  const because = isReached ? `${matchedBy ?? ''} matches and ${decisionReason(decision)}` : against.join('; ');
  return {
    client,
    transport,
    topics: [...topics],
    ...(matchedBy === undefined ? {} : { matchedBy }),
    isEnabled: decision.isEnabled,
    decidedBy: { name: decision.name, origin: decision.origin },
    isReached,
    sentence: `${client} ${isReached ? 'receives' : 'does not receive'} ${topic} through ${transport}, because ${because}.`,
  };
}

function userSentence(
  { context, user, topic }: Pick<Question, 'context' | 'user' | 'topic'>,
  targets: readonly Target[],
  isComplete: boolean,
): string {
  const who = `User ${user} in context ${context}`;
  const rest = isComplete ? '' : ' There are more subscriptions, which were not checked.';
  if (targets.length === 0) return `${who} has no subscription and no open socket, so no client receives ${topic}.`;
  const reached = targets.filter(({ isReached }) => isReached);
  if (reached.length === 0)
    return `${who} has ${targets.length} ${targets.length === 1 ? 'target' : 'targets'}, and none of them receives ${topic}.${rest}`;
  const named = [...new Set(reached.map(({ client, transport }) => `${client} through ${transport}`))].join(', ');
  return `${who} receives ${topic} at ${reached.length} of ${targets.length} targets: ${named}.${rest}`;
}

const notLoaded: Decision = { isEnabled: false, name: '', origin: { scope: 'default' }, fault: 'could not be loaded' };

function decisionSentence({ context, user, client, topic, transport }: Question, decision: Decision): string {
  const what = `${topic} ${decision.isEnabled ? 'may' : 'may not'} be sent to ${client} of user ${user} in context ${context} through ${transport}`;
  return `${what}, because ${decisionReason(decision)}.`;
}

function subscriptionSentence(
  { topic }: Question,
  { count, all, isComplete }: { readonly count: number; readonly all: number; readonly isComplete: boolean },
): string {
  if (all === 0) return 'The client has no subscription for this transport.';
  const them = isComplete ? `${all} subscription${all === 1 ? '' : 's'}` : `the oldest ${all} subscriptions`;
  return `Of ${them} of the client for this transport, ${count} ${count === 1 ? 'matches' : 'match'} ${topic}.`;
}

function socketSentence(
  { client, topic }: Question,
  { open, away, topics, matchedBy }: NonNullable<Explanation['sockets']>,
): string {
  const waiting = away === 0 ? '' : `, and ${away} that may reconnect`;
  const sockets = `The client has ${open === 0 ? 'no open socket' : `${open} open socket${open === 1 ? '' : 's'}`}${waiting}`;
  if (topics.length === 0) return `${sockets}; ${unnamed(client)}.`;
  if (matchedBy !== undefined) return `${sockets}; ${matchedBy} in websocket-clients.yml matches ${topic}.`;
  return `${sockets}; none of its topics in websocket-clients.yml (${topics.join(', ')}) matches ${topic}.`;
}
