import { foreignNameReason, knownProperty, originalProperty, propertyValue, valueFault } from '@pns/config-cascade';
import type { Standing } from './report';

/** How a property of the original is imported. `name` and `text` are written; both are absent if the property is not written. */
export interface ConvertedProperty {
  readonly standing: Standing;
  readonly reason?: string;
  readonly name?: string;
  readonly text?: string;
  /** Whether the property is an option of each webhook in PNS. */
  readonly isPerWebhook?: boolean;
}

/** Converts the name and the value of a property of the original. */
export function convertedProperty(name: string, value: string): ConvertedProperty {
  const text = value.trim();
  const original = originalProperty(name);
  if (original?.kind === 'renamed') {
    const { standing, reason = `is called ${original.name} here` } = valueStanding(original.name, text);
    return standing === 'wrong'
      ? { standing, reason: `is called ${original.name} here, and ${reason}` }
      : { standing: 'renamed', reason, name: original.name, text };
  }
  if (original !== undefined) {
    const { kind, advice } = original;
    return kind === 'per-webhook'
      ? { standing: 'by-hand', reason: advice, isPerWebhook: true }
      : { standing: kind, reason: advice };
  }
  if (knownProperty(name) !== undefined) {
    const { standing, reason } = valueStanding(name, text);
    return standing === 'wrong' ? { standing, reason: reason ?? '' } : { standing, name, text };
  }
  const reason = foreignNameReason(name);
  return reason === undefined ? { standing: 'not-needed', reason: ofOthers } : { standing: 'unknown', reason };
}

/** The reason for entries of other parts of the groupware, whose properties are in the same folder. */
export const ofOthers = 'belongs to another part of the groupware';

/** Whether two texts are the same value of a property. */
export function isSameValue(name: string, one: string, other: string): boolean {
  return JSON.stringify(propertyValue(name, one)) === JSON.stringify(propertyValue(name, other));
}

/** The name if a report may show it. It shows only names of the groupware: in a broken line, a secret may be read as a name. */
export function shownName(name: string): { readonly entry?: string } {
  return /^com\.openexchange\.[\w.:/-]{1,300}$/.test(name) ? { entry: name } : {};
}

function valueStanding(name: string, text: string): { readonly standing: 'taken' | 'wrong'; readonly reason?: string } {
  const property = knownProperty(name);
  const reason = property === undefined ? undefined : valueFault(property, text);
  return reason === undefined ? { standing: 'taken' } : { standing: 'wrong', reason };
}
