import { hash } from 'node:crypto';
import { cutText, jsonBytes, wellFormed } from '@pns/payloads';
import { createZodDto } from 'nestjs-zod';
import type { UserKey } from '@pns/subscriptions';
import { addressParser } from 'postal-mime';
import { z } from 'zod';
import { decodedWords, hasLostText, phraseOf } from './encoded-words';

const uint32 = z.union([z.int().min(0), z.string().regex(/^\d{1,10}$/)]);

const names = z.array(z.string().max(200)).max(200);

/**
 * The request of Dovecot's push_notification driver "ox" for a new mail, and of the script `deploy/dovecot/pns.lua` for every event.
 * Both omit unknown values; drivers derived from them add fields.
 */
export const dovecotRequest = z
  .looseObject({
    user: z.string(),
    event: z.string(),
    folder: z.string().min(1).max(1000).optional(),
    'imap-uidvalidity': uint32.optional(),
    'imap-uid': z.union([uint32, z.array(uint32).min(1).max(1000)]).optional(),
    from: z.string().optional(),
    subject: z.string().optional(),
    snippet: z.string().optional(),
    unseen: z.number().optional(),
    flags: names.optional().describe('Flags that were set or cleared, or that an appended mail has.'),
    keywords: names.optional().describe('The same for keywords.'),
    'folder-old': z.string().min(1).max(1000).optional().describe('The former name of a renamed folder.'),
    occurrence: z
      .union([z.number(), z.string().max(100)])
      .optional()
      .describe('Distinguishes equal events, such as two changes of one flag; a repeated request has the same value.'),
  })
  .meta({
    example: {
      user: '14@1',
      event: 'messageNew',
      folder: 'INBOX',
      'imap-uidvalidity': 123412341,
      'imap-uid': 2345,
      from: 'Jane Doe <jane.doe@example.com>',
      subject: "Let's meet",
      snippet: 'Hello',
      unseen: 83,
    },
  });

export type DovecotRequest = z.infer<typeof dovecotRequest>;

/** The request in the OpenAPI document. */
export class DovecotNotification extends createZodDto(dovecotRequest) {}

/** Events that a mail has once, because a UID is never used again. Other events, such as a change of a flag, can recur. */
const onceForMail: ReadonlySet<string> = new Set(['messagenew', 'messageappend', 'messageexpunge']);

/**
 * The id of the notification about an event. It is the same when Dovecot repeats a request after 2 s without an answer, and when
 * both the driver and the script report a mail. Undefined if the request does not identify the event.
 */
export function notificationIdOf(request: DovecotRequest, { context, user }: UserKey): string | undefined {
  const { folder } = request;
  const event = request.event.toLowerCase();
  const occurrence = onceForMail.has(event) ? undefined : request.occurrence;
  const [validity, uid] = [request['imap-uidvalidity'], request['imap-uid']];
  const isOfMail = validity !== undefined && uid !== undefined;
  if (!isOfMail && occurrence === undefined) return undefined;
  const ids = isOfMail ? [String(validity), [uid].flat().map(String)] : [];
  const change = occurrence === undefined ? [] : [{ occurrence: String(occurrence), of: namesIn(request) }];
  const mail = [context, user, event, folder ?? 'INBOX', ...ids, ...change];
  return `dovecot-${hash('sha256', JSON.stringify(mail), 'base64url').slice(0, 32)}`;
}

/** Longest subject, sender or teaser in a payload, in bytes of JSON. A header has no limit of its own. */
const maxTextBytes = 3000;

/** Longest sender that is parsed, in UTF-16 units. The time of the address parser grows with the square of the length. */
const maxSenderLength = 1000;

/**
 * Longest header that is decoded, in UTF-16 units: enough for `maxTextBytes` in every encoding of RFC 2047. The time of the
 * decoder can grow with the square of the length.
 */
const maxHeaderLength = 16_384;

/** The flags and keywords of the request. */
export function namesIn({ flags = [], keywords = [] }: DovecotRequest): string[] {
  return [...flags, ...keywords];
}

/** The folder's id in payloads, with the prefix of the primary mail account of App Suite. */
export function folderId(name = 'INBOX'): string {
  return `default0/${name}`;
}

/** The number of unread mails in payloads; undefined where the request does not contain one. */
export function unreadOf({ unseen }: DovecotRequest): number | undefined {
  return unseen !== undefined && Number.isSafeInteger(unseen) && unseen >= 0 ? unseen : undefined;
}

/** The payload of `ox:mail:new` for the request. Fields that Dovecot omitted are omitted. */
export function mailPayload(request: DovecotRequest): Record<string, unknown> {
  const { folder, from, subject, snippet } = request;
  const uid = request['imap-uid'];
  const payload = {
    folder: folderId(folder),
    id: Array.isArray(uid) ? uid.map(String) : uid?.toString(),
    ...senderOf(from),
    subject: subject === undefined ? undefined : readable(subject),
    unread: unreadOf(request),
    teaser: snippet === undefined ? undefined : cut(snippet),
  };
  return withoutUndefined(payload);
}

export function withoutUndefined(payload: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
}

function senderOf(from: string | undefined): { readonly email?: string; readonly displayname?: string } {
  if (from === undefined) return {};
  const header = wellFormed(from.slice(0, maxSenderLength));
  const [sender] = addressParser(header, { flatten: true });
  if (sender?.address === undefined || !sender.address.includes('@')) return { email: readable(header) };
  const displayname = hasLostText(header, sender.name) ? phraseOf(header) : readable(sender.name);
  return { email: sender.address, ...(displayname === '' ? {} : { displayname }) };
}

/** A header value with decoded words and joined lines. */
function readable(header: string): string {
  const unfolded = header.slice(0, maxHeaderLength).replace(/\r?\n[ \t]*/g, ' ');
  return cut(decodedWords(unfolded).trim());
}

function cut(text: string): string {
  return cutText(text, maxTextBytes, { sizeOf: jsonBytes });
}
