import Mustache from 'mustache';

/** What a push shows to a person and tells an app, whichever provider carries it. */
export interface PushContent {
  /** Absent together with `body` when there is nothing to show: the push is silent. */
  readonly title?: string;
  readonly body?: string;
  /** The number on the app's icon. */
  readonly badge?: number;
  readonly sound?: string;
  readonly category?: string;
  /** What the app is to open: the folder and id of a mail, such as `default0/INBOX/113`. */
  readonly cid?: string;
  /** What the app is told. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A notification, as far as its content goes. `count` is more than 1 where it stands for several. */
export interface PushSource {
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly count: number;
}

/** How an operator wants pushes to look. */
export interface PushStyle {
  /** Mustache templates over the payload's fields, `topic` and `count`; they replace the built-in texts. */
  readonly title?: string;
  readonly body?: string;
  /** The payload's fields that the app is told; all of them unless given. */
  readonly dataFields?: readonly string[];
  readonly hasBadge: boolean;
  /** The name of a sound; none is played without one. */
  readonly sound?: string;
}

const mailCategory = 'new-message-category';

/**
 * The content of a push. Without templates, a payload with a subject and a sender is shown as a mail, and any other one
 * is silent. Where several were collected, the text says how many: it begins with their number, `(3) Let's meet`, unless a
 * template says it in its own way.
 */
export function pushContent({ topic, payload, count }: PushSource, style: PushStyle): PushContent {
  const cid = cidOf(payload);
  const { unread } = payload;
  const badge = style.hasBadge && Number.isInteger(unread) && (unread as number) >= 0 ? (unread as number) : undefined;
  const text = templateText(style, payload, topic, count) ?? mailText(payload, count);
  return {
    ...text,
    ...(text === undefined || badge === undefined ? {} : { badge }),
    ...(text === undefined || style.sound === undefined ? {} : { sound: style.sound }),
    ...(cid === undefined ? {} : { cid }),
    data: dataOf(payload, style.dataFields, count),
  };
}

/** What is wrong with a template, or undefined when nothing is. */
export function templateFault(template: string): string | undefined {
  try {
    Mustache.parse(template);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function mailText(payload: PushSource['payload'], count: number): Partial<PushContent> | undefined {
  const subject = textOf(payload['subject']);
  const sender = textOf(payload['displayname']) ?? textOf(payload['email']);
  if (subject === undefined || sender === undefined) return undefined;
  return { title: counted(subject, count), body: `${sender}\n${subject}`, category: mailCategory };
}

function templateText(
  { title, body }: PushStyle,
  payload: PushSource['payload'],
  topic: string,
  count: number,
): Partial<PushContent> | undefined {
  if (!title && !body) return undefined;
  let isCountShown = false;
  const view = {
    ...payload,
    topic,
    get count() {
      isCountShown = true;
      return count;
    },
  };
  const [shownTitle, shownBody] = [title, body].map((template) => template && rendered(template, view));
  const added = isCountShown ? 1 : count;
  if (shownTitle) return { title: counted(shownTitle, added), ...(shownBody ? { body: shownBody } : {}) };
  return shownBody ? { body: counted(shownBody, added) } : undefined;
}

function counted(text: string, count: number): string {
  return count > 1 ? `(${count}) ${text}` : text;
}

function rendered(template: string, view: object): string {
  // A push is no HTML: what stands in the payload is shown as it is.
  return Mustache.render(template, view, {}, { escape: String }).trim();
}

function dataOf(
  payload: PushSource['payload'],
  fields: readonly string[] | undefined,
  count: number,
): PushContent['data'] {
  const told = fields
    ?.filter((field) => Object.hasOwn(payload, field))
    .map((field) => [field, payload[field]] as const);
  const chosen: PushContent['data'] = told === undefined ? payload : Object.fromEntries(told);
  return count > 1 ? { ...chosen, count } : chosen;
}

function cidOf({ cid, folder, id }: PushSource['payload']): string | undefined {
  const given = textOf(cid);
  if (given !== undefined) return given;
  const [inFolder, withId] = [textOf(folder), textOf(id)];
  return inFolder !== undefined && withId !== undefined ? `${inFolder}/${withId}` : inFolder;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
