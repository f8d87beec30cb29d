import { log, PnsError } from '@pns/runtime';
import { z } from 'zod';
import type { ContextSet } from './context-sets';
import { knownProperty } from './properties';
import { scopesSentence } from './property-check';
import { parseTagExpression } from './tag-expression';
import { yamlContent } from './yaml-content';

/** Sets of files are tried after every set of the API, whose ranks end below this one. */
export const firstFileRank = 1_000_000;

const scalar = z
  .union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false')
  .transform(String);
const setSchema = z
  .object({ withTags: scalar, addTags: z.union([scalar, z.array(scalar)]).optional() })
  .catchall(scalar.nullable());
const fileSchema = z.record(z.string(), setSchema).nullish();

/**
 * The context sets of one of the original's `contextSets/*.yml`: a block for each, with `withTags`, perhaps `addTags`,
 * and properties, of which those that PNS does not know mean nothing to it, and those that a context set cannot define are
 * left out with a line in the log. They are tried in the order of the file.
 *
 * @throws PnsError `CONFIG_INVALID` that names the file and the set.
 */
export function parseContextSets(file: string, text: string): Omit<ContextSet, 'rank'>[] {
  const fail = (reason: string) => new PnsError('CONFIG_INVALID', `${file}: ${reason}`);
  const parsed = fileSchema.safeParse(yamlContent(file, text));
  if (!parsed.success) throw fail(z.prettifyError(parsed.error));
  return Object.entries(parsed.data ?? {}).map(([name, { withTags, addTags, ...properties }]) => {
    try {
      const added = typeof addTags === 'string' ? addTags.split(',').map((tag) => tag.trim()) : addTags;
      const set = { name, withTags: parseTagExpression(withTags), values: valuesOf(properties, { file, set: name }) };
      return added === undefined ? set : { ...set, addTags: added };
    } catch (cause) {
      throw fail(`${name}: ${(cause as Error).message}`);
    }
  });
}

function valuesOf(
  properties: Readonly<Record<string, string | null>>,
  where: { readonly file: string; readonly set: string },
): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, text] of Object.entries(properties)) {
    const property = knownProperty(name);
    if (property !== undefined && !property.scopes.includes('contextSet')) {
      log.warn({ event: 'config.property-ignored', ...where, property: name, reason: scopesSentence(name, property) });
      continue;
    }
    const value = (text ?? '').trim();
    const fault = property?.schema.safeParse(value).error?.issues[0];
    if (fault !== undefined) throw new PnsError('CONFIG_INVALID', `${name}=${value}: ${fault.message}.`);
    values.set(name, value);
  }
  return values;
}
