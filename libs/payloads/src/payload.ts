import { z } from 'zod';

/** Largest payload of a notification, in bytes of its JSON. */
export const maxPayloadBytes = 64 * 1024;

const identifier = z.string().min(1).max(1024);

/** `ox:mail:new`: some producers send no id, and some send several ids. */
const mailNew = z.object({
  folder: identifier,
  id: z.union([identifier, z.array(identifier).min(1)]).optional(),
  email: z.string().optional(),
  displayname: z.string().optional(),
  subject: z.string().optional(),
  unread: z.int().nonnegative().optional(),
  teaser: z.string().optional(),
  cid: z.string().optional(),
});

/** `ox:calendar:updates`: an entry of `needsAction` is an event's id, or the event with its folder and recurrence. */
const calendarUpdates = z.object({
  folders: z.array(identifier).optional(),
  needsAction: z
    .array(
      z.union([identifier, z.object({ folderId: identifier, id: identifier, recurrenceId: identifier.optional() })]),
    )
    .optional(),
});

const ids = z.array(identifier).min(1);

/** How many unread mails the folder has; absent where the mail server could not count them. */
const unread = z.int().nonnegative().optional();

/** `ox:mail:read`: mails were marked as read. */
const mailRead = z.object({ folder: identifier, ids, unread });

/** `ox:mail:flags`: flags of mails have changed. `flags` are set now, `cleared` are no longer set. */
const mailFlags = z.object({
  folder: identifier,
  ids,
  flags: z.array(z.string()).optional(),
  cleared: z.array(z.string()).optional(),
  unread,
});

/** `ox:mail:deleted`: mails were marked as deleted, or removed. */
const mailDeleted = z.object({ folder: identifier, ids, unread });

/** `ox:folder:changed`: `from` is the former name of a renamed folder. */
const folderChanged = z.object({
  folder: identifier,
  change: z.enum(['created', 'renamed', 'deleted'], { error: 'must be created, renamed or deleted' }),
  from: identifier.optional(),
});

/**
 * The schemas of known topics. Other topics accept any JSON object. The schemas accept unknown members too. Their results lack
 * these members, but only the faults are used.
 */
const payloadSchemas: Readonly<Record<string, z.ZodType>> = {
  'ox:mail:new': mailNew,
  'ox:calendar:updates': calendarUpdates,
  'ox:mail:read': mailRead,
  'ox:mail:flags': mailFlags,
  'ox:mail:deleted': mailDeleted,
  'ox:folder:changed': folderChanged,
};

/** The first fault of the payload of `topic`, as a sentence, or undefined. `name` is the payload's field in the request. */
export function payloadFault(topic: string, payload: unknown, name = 'payload'): string | undefined {
  // A topic may have the name of an inherited property, for example constructor.
  const schema = Object.hasOwn(payloadSchemas, topic) ? payloadSchemas[topic] : undefined;
  const issue = schema?.safeParse(payload).error?.issues[0];
  if (issue === undefined) return undefined;
  const field = [name, ...issue.path].join('.');
  return `${field} does not match topic ${topic}: ${issue.message}.`;
}
