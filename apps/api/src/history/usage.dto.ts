import { usageGroups, type UsageGroup, type UsageRow } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idText, pageQuery, time } from '../http/fields';

const given = (text: string) => time.meta({ type: 'string', format: 'date-time', description: text });

export class UsageQuery extends createZodDto(
  z
    .strictObject({
      from: given('The first hour, inclusive.'),
      to: given('The last hour, exclusive.'),
      context: idText.optional(),
      by: z.enum(usageGroups, `must be one of ${usageGroups.join(', ')}`).optional(),
      per: z
        .enum(['hour', 'day'], 'must be hour or day')
        .default('hour')
        .describe('The length of a period; days are days of UTC.'),
      ...pageQuery,
    })
    .refine(({ from, to }) => from < to, { error: 'must be later than from', path: ['to'] }),
) {}

const row = z.object({
  start: z.iso.datetime().describe('The start of the hour or day.'),
  context: z.int().optional(),
  client: z.string().optional(),
  transport: z.string().optional(),
  topic: z.string().optional(),
  notifications: z.int().optional().describe('Accepted notifications; absent by client or transport.'),
  delivered: z.int().describe('Deliveries that arrived.'),
  failed: z.int().describe('Deliveries that ended in another way.'),
  suppressed: z.int().describe('Targets that must not be sent a notification.'),
});

export class UsageList extends createZodDto(z.object({ items: z.array(row), nextCursor: z.string().optional() })) {}

/** The columns of a list as CSV. */
export function usageColumns(by: UsageGroup | undefined): string[] {
  const counts = by === 'client' || by === 'transport' ? [] : ['notifications'];
  return ['start', ...(by === undefined ? [] : [by]), ...counts, 'delivered', 'failed', 'suppressed'];
}

export function usageView(
  { start, of, notifications, ...counts }: UsageRow,
  by: UsageGroup | undefined,
): z.infer<typeof row> {
  return {
    start: new Date(start).toISOString(),
    ...(by === undefined ? {} : { [by]: by === 'context' ? Number(of) : of }),
    ...(by === 'client' || by === 'transport' ? {} : { notifications }),
    ...counts,
  };
}
