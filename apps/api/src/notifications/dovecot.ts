import { hash } from 'node:crypto';
import { cutText, jsonBytes, wellFormed } from '@pns/payloads';
import { createZodDto } from 'nestjs-zod';
import type { UserKey } from '@pns/subscriptions';
import { addressParser } from 'postal-mime';
import { z } from 'zod';
import { decodedWords, hasLostText, phraseOf } from './encoded-words';

const uint32 = z.union([z.int().min(0), z.string().regex(/^\d{1,10}$/)]);

/**
 * The request of Dovecot's push_notification driver "ox" for a new mail. The driver omits unknown values; drivers derived from
 * it add fields.
 */
export const dovecotRequest = z.looseObject({
  user: z.string(),
  event: z.string(),
  folder: z.string().min(1).max(1000).optional(),
  'imap-uidvalidity': uint32.optional(),
  'imap-uid': z.union([uint32, z.array(uint32).min(1).max(1000)]).optional(),
  from: z.string().optional(),
  subject: z.string().optional(),
  snippet: z.string().optional(),
  unseen: z.number().optional(),
});

export type DovecotRequest = z.infer<typeof dovecotRequest>;

/** The request in the OpenAPI document. */
export class DovecotNotification extends createZodDto(dovecotRequest) {}

/** Whether the event is a new mail. The driver's code and its documentation disagree about the case of the first letter. */
export function isNewMail({ event }: DovecotRequest): boolean {
  return event.toLowerCase() === 'messagenew';
}

/**
 * The id of the notification about a mail. It is the same when Dovecot repeats its request, which it does after 2 s without an
 * answer. Undefined where the request does not identify the mail.
 */
export function notificationIdOf(request: DovecotRequest, { context, user }: UserKey): string | undefined {
  const { event, folder } = request;
  const [validity, uid] = [request['imap-uidvalidity'], request['imap-uid']];
  if (validity === undefined || uid === undefined) return undefined;
  const mail = [context, user, event.toLowerCase(), folder ?? 'INBOX', String(validity), [uid].flat().map(String)];
  return `dovecot-${hash('sha256', JSON.stringify(mail), 'base64url').slice(0, 32)}`;
}

/** Longest subject, sender or teaser in a payload, in bytes of JSON. A header has no limit of its own. */
const maxTextBytes = 3000;

/** In UTF-16 units. The time of the address parser grows with the square of the length. */
const maxSenderLength = 1000;

/**
 * In UTF-16 units: enough for `maxTextBytes` in every encoding of RFC 2047. The time of the decoder can grow with the square of
 * the length.
 */
const maxHeaderLength = 16_384;

/** The payload of `ox:mail:new` for the request. Fields that Dovecot omitted are omitted. */
export function mailPayload(request: DovecotRequest): Record<string, unknown> {
  const { folder, from, subject, snippet, unseen } = request;
  const uid = request['imap-uid'];
  const payload = {
    folder: `default0/${folder ?? 'INBOX'}`,
    id: Array.isArray(uid) ? uid.map(String) : uid?.toString(),
    ...senderOf(from),
    subject: subject === undefined ? undefined : readable(subject),
    unread: unseen !== undefined && Number.isSafeInteger(unseen) && unseen >= 0 ? unseen : undefined,
    teaser: snippet === undefined ? undefined : cut(snippet),
  };
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
