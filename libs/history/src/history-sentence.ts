import type { DeliveryHistory, NotificationHistory } from './history-reader';

/** Maximum number of targets that a sentence names. */
const maxNamedTargets = 5;

/** Summarizes the history of a notification in one or some short sentences. */
export function historySentence(facts: Omit<NotificationHistory, 'sentence'>): string {
  const { topic, user, context, received, recorded, gaps } = facts;
  const sentences = [
    `${topic} for user ${user} in context ${context} was received at ${timeOf(received)} and ${fateOf(facts)}.`,
    ...namedTargets(facts.deliveries),
    ...(recorded === 'all' ? [] : ['Deliveries that arrived at the first attempt are not recorded.']),
    ...gaps.slice(0, 1).map(({ since, until }) => {
      return `Some records between ${timeOf(since)} and ${timeOf(until)} were lost, so this may be incomplete.`;
    }),
  ];
  return sentences.join(' ');
}

function fateOf({ dispatched, joinedInto, deliveries, recorded }: Omit<NotificationHistory, 'sentence'>): string {
  const joined = joinedInto === undefined ? '' : `joined into notification ${joinedInto}, which was `;
  if (deliveries.length > 0) return `was ${joined}${countOf(deliveries, recorded)}`;
  if (dispatched === undefined) return 'waits for similar notifications or for the dispatcher';
  return `was ${joined}sent to no target, because no subscription and no open socket of the user matches the topic`;
}

function countOf(deliveries: readonly DeliveryHistory[], recorded: NotificationHistory['recorded']): string {
  const delivered = deliveries.filter(({ outcome }) => outcome === 'delivered').length;
  const all = deliveries.length;
  return `delivered to ${delivered === 0 ? 'none' : delivered} of ${all} ${recorded === 'all' ? '' : 'recorded '}${all === 1 ? 'target' : 'targets'}`;
}

/** A sentence for each target with an unusual outcome, and the names of the targets that got the notification at the first attempt. */
function namedTargets(deliveries: readonly DeliveryHistory[]): string[] {
  const isSimple = ({ outcome, attempts }: DeliveryHistory) =>
    outcome === 'delivered' && attempts.length === 1 && attempts[0]?.number === 1;
  const simple = deliveries.filter(isSimple);
  const others = deliveries.filter((delivery) => !isSimple(delivery));
  const more = others.length - maxNamedTargets;
  return [
    ...(simple.length === 0 ? [] : [`Delivered at the first attempt: ${listOf(simple)}.`]),
    ...others.slice(0, maxNamedTargets).map((delivery) => `${nameOf(delivery)}: ${detailOf(delivery)}.`),
    ...(more > 0 ? [`${more} more ${more === 1 ? 'target is' : 'targets are'} among the deliveries.`] : []),
  ];
}

function listOf(deliveries: readonly DeliveryHistory[]): string {
  const names = deliveries.map(nameOf);
  const more = names.length - maxNamedTargets;
  return [...names.slice(0, maxNamedTargets), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function nameOf({ client, transport }: DeliveryHistory): string {
  return `${client} through ${transport}`;
}

function detailOf(delivery: DeliveryHistory): string {
  const { outcome, reason = 'no reason is known', nextAttempt, attempts } = delivery;
  const next = nextAttempt === undefined ? '' : ` until ${timeOf(nextAttempt)}`;
  const deferrals = attempts.filter((attempt) => attempt.outcome === 'deferred').length;
  const deferred = deferrals === 0 ? '' : ` after ${timesOf(deferrals, 'deferral')}`;
  switch (outcome) {
    case 'delivered':
      return `delivered at attempt ${attempts.at(-1)?.number ?? 1}${failuresOf(delivery)}`;
    case 'waiting':
      return 'it waits in the queue of its transport';
    case 'moved':
      return `it was moved to another queue, because ${reason}`;
    case 'retry':
      return `attempt ${attempts.at(-1)?.number ?? 1} failed (${reason}), and the next one waits${next}`;
    case 'deferred':
      return `deferred${next} (${reason})`;
    case 'gone':
      return `its target is gone (${reason}), so the subscription was removed`;
    case 'suppressed':
      return `not sent, because ${reason}`;
    case 'expired':
      return `expired${deferred}, because ${reason}`;
    case 'exhausted':
      return `given up after ${timesOf(attempts.at(-1)?.number ?? 1, 'attempt')} (${reason})`;
    case 'misconfigured':
      return `not accepted, because the settings of the client are wrong (${reason})`;
    default:
      return `${outcome} (${reason})`;
  }
}

/** The failures before a success, with their reasons. */
function failuresOf({ attempts }: DeliveryHistory): string {
  const failed = attempts.filter(({ outcome }) => outcome === 'retry');
  if (failed.length === 0) return '';
  const reasons = [...new Set(failed.map(({ reason }) => reason ?? 'no reason is known'))];
  return ` after ${timesOf(failed.length, 'failed attempt')} (${reasons.slice(0, 3).join('; ')})`;
}

function timesOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
