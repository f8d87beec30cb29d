import { cutText, cutTexts, ellipsis, type Texts, utf8Bytes } from '@pns/payloads';
import type { FcmMessage } from './fcm.payload';

/** FCM's limit for keys and values. Source: https://firebase.google.com/docs/cloud-messaging/concept-options */
export const maxMessageBytes = 4096;

/** The fields that identify the item to open. They are kept before all others, up to `maxNameBytes`. */
const names: readonly string[] = ['folder', 'id', 'cid'];
const maxNameBytes = 1024;

/** The preview of a mail: the only text that is cut before any other field is left out. */
const preview = 'teaser';

/** The bytes of a message that count towards the limit: the keys and the values. */
export function messageBytes({ data, notification, android }: FcmMessage): number {
  return [data, notification ?? {}, android.notification ?? {}]
    .flatMap((part) => Object.entries<string | number>(part))
    .reduce((sum, [key, value]) => sum + fieldBytes(key, String(value)), 0);
}

/**
 * The message in at most `maxMessageBytes`. Fields that do not fit in addition to the texts are left out. If the texts alone are
 * too long, they are cut. Without a `notification`, the texts are two fields of the data, the subject and the sender, which the
 * app shows. Fields are cut only if `isText` returns true for them.
 */
export function fitted(message: FcmMessage, isText: (field: string) => boolean): FcmMessage {
  if (messageBytes(message) <= maxMessageBytes) return message;
  const { notification } = message;
  const { pns_id = '', pns_topic = '', ...fields } = message.data;
  const ours = { pns_id, pns_topic };
  const least = { ...message, data: ours, ...(notification && { notification: emptied(notification) }) };
  const choice = new Choice(fields, isText, maxMessageBytes - messageBytes(least));
  choice.keepNames();
  const shown = notification && choice.keepShown(notification);
  if (shown === undefined) choice.keepSubjectAndSender();
  choice.keepOthers();
  choice.keepPreview();
  return { ...message, data: { ...choice.kept(), ...ours }, ...(shown && { notification: shown }) };
}

type Fields = Readonly<Record<string, string>>;

/** Chooses the fields of a message that are kept, in the order of the calls, while they fit. */
class Choice {
  private readonly chosen = new Map<string, string>();

  constructor(
    private readonly fields: Fields,
    private readonly isText: (field: string) => boolean,
    private roomBytes: number,
  ) {}

  keepNames(): void {
    let left = maxNameBytes;
    for (const name of names) left -= this.keepWhole(name, left);
  }

  keepShown(texts: Texts): Texts {
    const shown = cutTexts(texts, this.roomBytes);
    this.roomBytes -= utf8Bytes(shown.title ?? '') + utf8Bytes(shown.body ?? '');
    return shown;
  }

  keepSubjectAndSender(): void {
    const subject = this.textOf('subject');
    const sender = this.textOf('displayname') === undefined ? 'email' : 'displayname';
    const body = this.textOf(sender);
    const texts = { ...(subject !== undefined && { title: subject }), ...(body !== undefined && { body }) };
    const cut = cutTexts(texts, this.roomBytes - utf8Bytes(`subject${sender}`));
    this.keep('subject', cut.title);
    this.keep(sender, cut.body);
  }

  /** Keeps the other fields that fit, in their order. A field that is too large does not exclude later fields. */
  keepOthers(): void {
    for (const name of Object.keys(this.fields)) if (name !== preview) this.keepWhole(name, this.roomBytes);
  }

  keepPreview(): void {
    const text = this.textOf(preview) ?? '';
    const cut = cutText(text, this.roomBytes - utf8Bytes(preview), { ending: ellipsis });
    if (cut === '') this.keepWhole(preview, this.roomBytes);
    else this.keep(preview, cut);
  }

  kept(): Fields {
    return Object.fromEntries(
      Object.keys(this.fields).flatMap((name) => {
        const text = this.chosen.get(name);
        return text === undefined ? [] : [[name, text]];
      }),
    );
  }

  private textOf(name: string): string | undefined {
    const text = this.fields[name];
    return text === '' || !this.isText(name) ? undefined : text;
  }

  /** Keeps the field if it fits into `limit`. Returns its bytes, or 0 if this call did not keep it. */
  private keepWhole(name: string, limit: number): number {
    const text = this.fields[name];
    if (text === undefined || this.chosen.has(name)) return 0;
    const bytes = fieldBytes(name, text);
    if (bytes > limit || bytes > this.roomBytes) return 0;
    this.keep(name, text);
    return bytes;
  }

  private keep(name: string, text: string | undefined): void {
    if (text === undefined) return;
    this.chosen.set(name, text);
    this.roomBytes -= fieldBytes(name, text);
  }
}

function emptied({ title, body }: Texts): Texts {
  return { ...(title !== undefined && { title: '' }), ...(body !== undefined && { body: '' }) };
}

function fieldBytes(name: string, text: string): number {
  return utf8Bytes(name) + utf8Bytes(text);
}
