import { matchingPattern } from '@pns/topics';
import { hasConfiguredUri, type TransportName } from '@pns/transport-contract';
import type { z } from 'zod';
import { properties } from './properties';
import { namesFor, propertySchema, transportSwitches } from './property-registry';
import { resolveText, type Origin, type Place, type Scope } from './resolve';

/** The client and topic for which a transport is on or off. */
export interface Target {
  readonly client: string;
  readonly topic: string;
}

/** Whether a transport is on, and the property that decided it. */
export interface Decision {
  readonly isEnabled: boolean;
  readonly name: string;
  readonly origin: Origin;
  /** Why the value could not be read; the transport is off then. */
  readonly fault?: string;
  /** The webhook that is not on the list of enabled webhooks. */
  readonly unlisted?: string;
}

/**
 * Decides whether `transport` is on for a target. The most specific name decides in any scope: client and topic, then client,
 * then topic, then the switch itself. The transport is off when the value cannot be read, and for a webhook that is not on the
 * list of enabled webhooks. All places that were searched are added to `trail`.
 */
export function decide(cascade: readonly Scope[], transport: TransportName, target: Target, trail?: Place[]): Decision {
  const refusal = hasConfiguredUri(transport) ? refusalByList(cascade, target.client, trail) : undefined;
  return refusal ?? decideBySwitch(cascade, transport, target, trail);
}

/**
 * Whether `transport` is on for any topic that `pattern` matches: for topics without a property, or for a topic for which a property
 * switches it on.
 */
export function isEnabledForSome(
  cascade: readonly Scope[],
  transport: TransportName,
  { client, pattern }: { readonly client: string; readonly pattern: string },
): boolean {
  // No property has a pattern in its name, so this is the decision for topics without a property.
  if (decide(cascade, transport, { client, topic: pattern }).isEnabled) return true;
  const topics = new Set(cascade.flatMap(({ values }) => [...values.keys()].flatMap(topicIn(transport, client))));
  return [...topics]
    .filter((topic) => matchingPattern(topic, [pattern]) !== undefined)
    .some((topic) => decide(cascade, transport, { client, topic }).isEnabled);
}

/** Returns a function that finds the topic in the name of a property for this transport, with or without this client. */
function topicIn(transport: TransportName, client: string): (name: string) => string[] {
  const { base } = switchOf(transport) ?? {};
  if (base === undefined) return () => [];
  return (name) => {
    if (name.startsWith(`${base}.${client}.`)) return [name.slice(base.length + client.length + 2)];
    // A suffix without a colon counts as a client, although it may be a topic.
    const suffix = name.startsWith(`${base}.`) ? name.slice(base.length + 1) : '';
    return suffix.includes(':') && !suffix.includes('.') ? [suffix] : [];
  };
}

const enabledIds = 'com.openexchange.webhooks.enabledIds';

/** The decision against a webhook that is not on the list of enabled webhooks; undefined for a webhook on the list. */
function refusalByList(cascade: readonly Scope[], id: string, trail?: Place[]): Decision | undefined {
  const { schema, fallback } = properties[enabledIds];
  const found = resolveText(cascade, [enabledIds], trail);
  const origin = found?.origin ?? ({ scope: 'default' } as const);
  if (found !== undefined) {
    const read = schema.safeParse(found.text);
    if (!read.success) return { isEnabled: false, name: enabledIds, origin, fault: faultOf(read.error) };
    if (read.data.includes(id)) return undefined;
  }
  if (found === undefined) trail?.push({ name: enabledIds, origin, text: fallback.join(), isOverruled: false });
  return { isEnabled: false, name: enabledIds, origin, unlisted: id };
}

/** The switch of a transport; undefined for an unknown transport, which a subscription may have after a downgrade of PNS. */
function switchOf(transport: string): (typeof transportSwitches)[TransportName] | undefined {
  return Object.hasOwn(transportSwitches, transport) ? transportSwitches[transport as TransportName] : undefined;
}

function decideBySwitch(
  cascade: readonly Scope[],
  transport: TransportName,
  target: Target,
  trail?: Place[],
): Decision {
  const known = switchOf(transport);
  if (known === undefined) {
    const fault = `this version has no transport ${transport}`;
    return { isEnabled: false, name: transport, origin: { scope: 'default' }, fault };
  }
  const { base, fallback } = known;
  const found = resolveText(cascade, namesFor(base, target), trail);
  if (found === undefined) {
    const origin = { scope: 'default' } as const;
    trail?.push({ name: base, origin, text: String(fallback), isOverruled: false });
    return { isEnabled: fallback, name: base, origin };
  }
  const { name, origin, text } = found;
  if (text === 'true' || text === 'false') return { isEnabled: text === 'true', name, origin };
  const read = propertySchema(base)?.safeParse(text);
  if (read?.success === true) return { isEnabled: read.data === true, name, origin };
  return { isEnabled: false, name, origin, fault: faultOf(read?.error) };
}

function faultOf(error: z.ZodError | undefined): string {
  return error?.issues[0]?.message ?? 'cannot be read';
}
