import type { TransportName } from '@pns/transport-contract';
import { namesFor, propertySchema, transportSwitches } from './properties';
import { resolveText, type Origin, type Place, type Scope } from './resolve';

/** What a transport is asked for. */
export interface Target {
  readonly client: string;
  readonly topic: string;
}

/** Whether a transport is on, and what said so; `fault` says why a value could not be read, which denies. */
export interface Decision {
  readonly isEnabled: boolean;
  readonly name: string;
  readonly origin: Origin;
  readonly fault?: string;
}

/**
 * Whether `transport` is on for a target. The more specific name decides, whatever the scope: client and topic, then
 * client, then topic, then the switch itself. What cannot be read denies. `trail` receives the places looked at.
 */
export function decide(cascade: readonly Scope[], transport: TransportName, target: Target, trail?: Place[]): Decision {
  const { base, fallback } = transportSwitches[transport];
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
  return { isEnabled: false, name, origin, fault: read?.error.issues[0]?.message ?? 'cannot be read' };
}
