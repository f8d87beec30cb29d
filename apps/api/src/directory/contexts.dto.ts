import { isTag } from '@pns/config-cascade';
import type { DirectoryContext } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idNumber, idText } from '../http/fields';

/** A tag of digits would be taken for the id of a context, which is a tag of that context. */
const tag = z
  .string()
  .max(100)
  .refine(
    (text) => isTag(text) && !/^\d+$/.test(text),
    'must be letters, digits, underscores, dots and dashes, and not only digits, which would be the id of a context',
  );

/** What context sets choose by. */
export const tags = z.array(tag).max(100).describe('What the tag expressions of context sets may name.');

export class ContextPath extends createZodDto(z.object({ context: idText })) {}

const name = tag.optional().describe('A tag as well, and that of one context only.');

export class ContextBody extends createZodDto(z.strictObject({ name, tags: tags.default([]) })) {}

const view = z.object({ context: idNumber, name, tags });

export class ContextView extends createZodDto(view) {}
export class ContextList extends createZodDto(z.object({ items: z.array(view), nextCursor: z.string().optional() })) {}

export function contextView({ context, name: of, tags: carried }: DirectoryContext): ContextView {
  return { context, ...(of === undefined ? {} : { name: of }), tags: [...carried] };
}
