import { isClientId } from '@pns/subscriptions';
import { isTopic } from '@pns/topics';
import type { TransportName } from '@pns/transport-contract';
import type { z } from 'zod';
import { properties, suffixes, type Property } from './properties';
import { flag } from './property-schemas';
import { scopes } from './resolve';

/** The switch of each transport and its default. */
export const transportSwitches: Readonly<Record<TransportName, { readonly base: string; readonly fallback: boolean }>> =
  {
    websocket: { base: 'com.openexchange.pns.transport.websocket.enabled', fallback: true },
    webhook: { base: 'com.openexchange.pns.transport.webhooks.enabled', fallback: true },
    apns: { base: 'com.openexchange.pns.transport.apn.ios.enabled', fallback: false },
    fcm: { base: 'com.openexchange.pns.transport.gcm.enabled', fallback: false },
    wns: { base: 'com.openexchange.pns.transport.wns.enabled', fallback: false },
    webpush: { base: 'com.openexchange.pns.transport.webpush.enabled', fallback: true },
  };

const switchSentence = (transport: TransportName) =>
  `Whether notifications are sent through ${transport}; ${suffixes}.`;

const switchProperties = new Map<string, Property<boolean>>(
  Object.entries(transportSwitches).map(([transport, { base, fallback }]) => [
    base,
    { type: 'boolean', schema: flag, fallback, scopes, sentence: switchSentence(transport as TransportName) },
  ]),
);

/** The registry: every property that PNS reads, by name without suffixes. */
export const registry: ReadonlyMap<string, Property<unknown>> = new Map<string, Property<unknown>>([
  ...Object.entries(properties),
  ...switchProperties,
]);

/** Properties that can be set for a topic. */
const topicBases = ['com.openexchange.pns.aggregation', 'com.openexchange.pns.history'] as const;

/** Properties that can be set for a client, a topic, or both. */
const suffixedBases: readonly string[] = [
  ...switchProperties.keys(),
  ...[
    'com.openexchange.pns.template.title',
    'com.openexchange.pns.template.body',
    'com.openexchange.pns.template.navigate',
    'com.openexchange.pns.template.data',
  ],
];

/** The names under which a property may be set for `target`, in the order of precedence. */
export function namesFor(base: string, { client, topic }: { client: string; topic: string }): string[] {
  return [`${base}.${client}.${topic}`, `${base}.${client}`, `${base}.${topic}`, base];
}

/** The property with this full name, which may have suffixes; undefined for an unknown name. */
export function knownProperty(name: string): Property<unknown> | undefined {
  const property = registry.get(name);
  if (property !== undefined) return property;
  const topicBase = topicBases.find((each) => name.startsWith(`${each}.`) && isTopic(name.slice(each.length + 1)));
  if (topicBase !== undefined) return registry.get(topicBase);
  const base = suffixedBases.find((each) => name.startsWith(`${each}.`));
  return base !== undefined && isTargetSuffix(name.slice(base.length + 1)) ? registry.get(base) : undefined;
}

/** The schema of the property with this full name, which may have suffixes; undefined for an unknown name. */
export function propertySchema(name: string): z.ZodType | undefined {
  return knownProperty(name)?.schema;
}

/** Whether a suffix is a client, a topic, or a client and a topic. A client contains no colon, and a topic no dot. */
function isTargetSuffix(suffix: string): boolean {
  if (isTopic(suffix) || isClientId(suffix)) return true;
  const dot = suffix.lastIndexOf('.');
  return isClientId(suffix.slice(0, dot)) && isTopic(suffix.slice(dot + 1));
}
