import type { Decision, Origin, Place } from '@pns/config-cascade';
import { awayNode, type SocketGroup } from '@pns/presence';
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

/** Everything that led to a decision, and one sentence about it. */
export function explanationOf(
  question: Question,
  explained: Explained | undefined,
  subscriptions: readonly Subscription[],
  now: number,
): Explanation {
  // Only for a subject that the cache let go of while it was being asked for: that denies, here as everywhere.
  const { decision, places } = explained ?? { decision: notLoaded, places: [] };
  const matched = subscriptions.map((subscription): Explanation['subscriptions'][number] => {
    const matchedBy = matchingPattern(question.topic, subscription.topics);
    const { id, topics } = subscription;
    const view = { id, topics: [...topics], isExpired: isExpired(subscription, now) };
    return matchedBy === undefined ? view : { ...view, matchedBy };
  });
  const count = matched.filter((each) => each.matchedBy !== undefined && !each.isExpired).length;
  return {
    isEnabled: decision.isEnabled,
    sentence: `${decisionSentence(question, decision)} ${subscriptionSentence(question, count, matched.length)}`,
    decidedBy: { name: decision.name, origin: decision.origin },
    places: [...places],
    subscriptions: matched,
  };
}

/** Everything that a user's notifications may go to. */
export interface Targets {
  readonly subscriptions: readonly Subscription[];
  /** Whether the user has no other subscriptions than these. */
  readonly isComplete: boolean;
  readonly sockets: readonly SocketGroup[];
}

/** How the answers about each of them are found. */
export interface TargetRules {
  readonly decisionOn: (transport: TransportName, client: string) => Decision | undefined;
  /** The topic patterns of a client's sockets. */
  readonly socketTopics: (client: string) => readonly string[];
  readonly now: number;
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
      socketTarget(
        question.topic,
        client,
        sockets.filter((group) => group.client === client),
        rules,
      ),
    ),
  ];
  return { sentence: userSentence(question, targets), targets, isComplete };
}

function subscriptionTarget(topic: string, subscription: Subscription, rules: TargetRules): Target {
  const { id, client, transport, topics, expiresAt } = subscription;
  const hasExpired = isExpired(subscription, rules.now);
  const expiry = hasExpired ? [`it expired at ${new Date(expiresAt ?? 0).toISOString()}`] : [];
  return { subscription: id, isExpired: hasExpired, ...targetOf({ topic, client, transport, topics, rules }, expiry) };
}

function socketTarget(topic: string, client: string, groups: readonly SocketGroup[], rules: TargetRules): Target {
  const count = (isAway: boolean) =>
    groups
      .filter(({ node }) => (node === awayNode) === isAway)
      .reduce((sum, { connections }) => sum + connections.length, 0);
  const topics = rules.socketTopics(client);
  const unknown = topics.length === 0 ? [`websocket-clients.yml names no client ${client}`] : [];
  return {
    sockets: { open: count(false), away: count(true) },
    isExpired: false,
    ...targetOf({ topic, client, transport: 'websocket', topics, rules }, unknown),
  };
}

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
): string {
  const who = `User ${user} in context ${context}`;
  if (targets.length === 0) return `${who} has no subscription and no open socket, so nobody gets ${topic}.`;
  const reached = targets.filter(({ isReached }) => isReached);
  if (reached.length === 0) return `${who} has ${targets.length} that could get ${topic}, and none of them does.`;
  const named = [...new Set(reached.map(({ client, transport }) => `${client} through ${transport}`))].join(', ');
  return `${who} gets ${topic} at ${reached.length} of ${targets.length}: ${named}.`;
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

function subscriptionSentence({ transport, topic }: Question, count: number, all: number): string {
  if (transport === 'websocket') return 'Every open socket of the client whose topics match is a subscription.';
  if (all === 0) return 'There is no subscription of this client through it.';
  return `Of ${all} subscription${all === 1 ? '' : 's'} of this client through it, ${count} ${count === 1 ? 'wants' : 'want'} ${topic}.`;
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
