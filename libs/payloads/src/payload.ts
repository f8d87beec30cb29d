import { z } from 'zod';

/** Largest payload of a notification, in bytes of its JSON. */
export const maxPayloadBytes = 64 * 1024;

const identifier = z.string().min(1).max(1024);

/** `ox:mail:new`: some producers know only the folder, and some send several ids. */
const mailNew = z.looseObject({
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
const calendarUpdates = z.looseObject({
  folders: z.array(identifier).optional(),
  needsAction: z
    .array(
      z.union([
        identifier,
        z.looseObject({ folderId: identifier, id: identifier, recurrenceId: identifier.optional() }),
      ]),
    )
    .optional(),
});

/** The schemas of known topics. Other topics accept any JSON object. */
export const payloadSchemas: Readonly<Record<string, z.ZodType>> = {
  'ox:mail:new': mailNew,
  'ox:calendar:updates': calendarUpdates,
};

/** The first fault of the payload of `topic`, as a sentence; undefined when there is none. `name` is its field in the request. */
export function payloadFault(topic: string, payload: unknown, name = 'payload'): string | undefined {
  // A topic may have the name of an inherited property, for example constructor.
  const schema = Object.hasOwn(payloadSchemas, topic) ? payloadSchemas[topic] : undefined;
  const issue = schema?.safeParse(payload).error?.issues[0];
  if (issue === undefined) return undefined;
  const field = [name, ...issue.path].join('.');
  return `${field} does not match topic ${topic}: ${issue.message}.`;
}
