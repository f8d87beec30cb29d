import { isTag } from '@pns/config-cascade';
import type { DirectoryContext } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idNumber, idText } from '../http/fields';

/** The id of a context is also a tag of this context, so other tags must not consist of digits. */
const tag = z
  .string()
  .max(100)
  .refine(
    (text) => isTag(text) && !/^\d+$/.test(text),
    'must be letters, digits, underscores, dots and dashes, and not only digits, because these are the id of a context',
  );

/** Context sets select contexts and users by tags. */
export const tags = z.array(tag).max(100).describe('The tags for the tag expressions of context sets.');

export class ContextPath extends createZodDto(z.object({ context: idText })) {}

const name = tag.optional().describe('The name is also a tag. It must be unique among contexts.');

export class ContextBody extends createZodDto(z.strictObject({ name, tags: tags.default([]) })) {}

const view = z.object({ context: idNumber, name, tags });

export class ContextView extends createZodDto(view) {}
export class ContextList extends createZodDto(z.object({ items: z.array(view), nextCursor: z.string().optional() })) {}

export function contextView({ context, name: of, tags: carried }: DirectoryContext): ContextView {
  return { context, ...(of === undefined ? {} : { name: of }), tags: [...carried] };
}
