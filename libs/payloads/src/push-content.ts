import { parsedUrl } from '@pns/transport-contract';
import { cutText, isBlank, wellFormed, withoutBlankStart } from './cut-text';
import { readTemplate, templateFault } from './template';
import { renderTemplate, RenderingBudget, RenderingBudgetError, type Rendered } from './template-rendering';

/** The content of a push for every provider: visible texts, and data for the app. */
export interface PushContent {
  /** Without title and body the push is silent. */
  readonly title?: string;
  readonly body?: string;
  /** The number on the app's icon. */
  readonly badge?: number;
  readonly sound?: string;
  readonly category?: string;
  /** The item that the app opens: the folder and id of a mail, for example `default0/INBOX/113`. */
  readonly cid?: string;
  /** The URL that a click on the push opens. */
  readonly navigate?: string;
  /** The data for the app. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** The parts of a notification that make its content. `count` is more than 1 if the notification stands for several. */
interface PushSource {
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly count: number;
}

/** The operator's settings for the content of pushes. */
export interface PushStyle {
  /** Mustache templates over the payload's fields, `topic` and `count`; they replace the built-in texts. */
  readonly title?: string;
  readonly body?: string;
  /** A template of the same kind for the URL that a click opens. Its values are percent-encoded. */
  readonly navigate?: string;
  /** The fields of the payload that are sent to the app. Default: all. */
  readonly dataFields?: readonly string[];
  readonly hasBadge: boolean;
  /** The name of a sound; without it, no sound is played. */
  readonly sound?: string;
}

/** The push can never be created: a template has a fault or exceeds the limits of a delivery. A refusal is also an `Outcome`. */
export interface ContentRefusal {
  readonly kind: 'rejected';
  readonly reason: string;
}

const mailCategory = 'new-message-category';

/** The topic whose pushes are always visible. */
const newMail = 'ox:mail:new';

/**
 * The content of a push. Without templates, a payload with a subject and a sender is shown as a mail. Of a new mail that lacks
 * one of them, the other one is shown, or else the folder. Any other push is silent. For several collected notifications the text
 * starts with their number, `(3) Let's meet`, unless a template shows `count`.
 */
export function pushContent(source: PushSource, style: PushStyle): PushContent | ContentRefusal {
  const { payload, count } = source;
  const budget = new RenderingBudget();
  const templated = templateText(style, source, budget);
  if (templated !== undefined && 'kind' in templated) return templated;
  const text = templated ?? mailText(source);
  const navigate = text === undefined ? {} : navigateTo(style.navigate, source, budget);
  if ('kind' in navigate) return navigate;
  const cid = cidOf(payload);
  const { unread } = payload;
  const badge = style.hasBadge && Number.isInteger(unread) && (unread as number) >= 0 ? (unread as number) : undefined;
  return {
    ...textsIn(text),
    ...(text === undefined || badge === undefined ? {} : { badge }),
    ...(text === undefined || style.sound === undefined ? {} : { sound: style.sound }),
    ...(cid === undefined ? {} : { cid }),
    ...navigate,
    data: dataOf(payload, style.dataFields, count),
  };
}

/** The fault of a template for a URL, as a clause. The host must be in the template, because values come from producers. */
export function navigateFault(template: string): string | undefined {
  if (template === '' || /^https?:\/\/[^/?#{}\s]+(?:[/?#]|$)/.test(template)) return templateFault(template);
  return 'it must begin with https:// and a host without placeholders';
}

function navigateTo(
  template: string | undefined,
  source: PushSource,
  budget: RenderingBudget,
): { readonly navigate?: string } | ContentRefusal {
  if (!template) return {};
  const url = rendered('navigate', template, source, budget, (value) => encodeURIComponent(wellFormed(value)));
  if ('kind' in url) return url;
  if (url.text.length > maxTextBytes) return {}; // a cut URL is useless, and no provider accepts one of this length
  const parsed = parsedUrl(url.text.trim());
  return parsed === undefined ? {} : { navigate: parsed.href };
}

/** Longest text or URL of a push, in bytes of UTF-8. Every provider allows less, so no transport needs to process longer texts. */
const maxTextBytes = 8192;

function textsIn({ title, body, category }: Partial<PushContent> = {}): Partial<PushContent> {
  return {
    ...(title !== undefined && { title: cutText(title, maxTextBytes) }),
    ...(body !== undefined && { body: cutText(body, maxTextBytes) }),
    ...(category !== undefined && { category }),
  };
}

/** The texts of a mail, as in the original push service: the subject as title, the sender and the subject as body. */
function mailText({ topic, payload, count }: PushSource): Partial<PushContent> | undefined {
  const subject = visibleText(payload['subject']);
  const sender = visibleText(payload['displayname']) ?? visibleText(payload['email']);
  if (subject !== undefined && sender !== undefined) {
    return { title: counted(subject, count), body: `${sender}\n${subject}`, category: mailCategory };
  }
  if (topic !== newMail) return undefined;
  const known = subject ?? sender;
  if (known !== undefined) return { title: counted(known, count), category: mailCategory };
  const folder = visibleText(payload['folder']);
  if (folder === undefined) return undefined;
  const name = visibleText(folder.replace(/^default\d+\//, '')) ?? folder;
  return { title: counted(name, count) };
}

function templateText(
  style: PushStyle,
  view: PushSource,
  budget: RenderingBudget,
): Partial<PushContent> | ContentRefusal | undefined {
  const { title, body } = style;
  if (!title && !body) return undefined;
  const shownTitle = rendered('title', title, view, budget);
  if ('kind' in shownTitle) return shownTitle;
  const shownBody = rendered('body', body, view, budget);
  if ('kind' in shownBody) return shownBody;
  const added = shownTitle.isCountShown || shownBody.isCountShown ? 1 : view.count;
  const [titleText, bodyText] = [shownTitle, shownBody].map(({ text }) => visibleText(text.trim()));
  if (titleText) return { title: counted(titleText, added), ...(bodyText && { body: bodyText }) };
  return bodyText ? { body: counted(bodyText, added) } : undefined;
}

function rendered(
  name: 'title' | 'body' | 'navigate',
  source: string | undefined,
  view: PushSource,
  budget: RenderingBudget,
  encode?: (value: string) => string,
): Rendered | ContentRefusal {
  if (!source) return { text: '', isCountShown: false };
  const template = readTemplate(source);
  if ('fault' in template) return refusal(`The ${name} template cannot be used: ${template.fault}.`);
  try {
    return renderTemplate(template.nodes, view, budget, encode);
  } catch (error) {
    if (!(error instanceof RenderingBudgetError)) throw error;
    return refusal(`The ${name} template takes ${error.message} with this payload.`);
  }
}

function refusal(reason: string): ContentRefusal {
  return { kind: 'rejected', reason };
}

function counted(text: string, count: number): string {
  return count > 1 ? `(${count}) ${text}` : text;
}

/**
 * The maximum number of fields that are sent to an app. A provider's limit has room for about this many very short fields. The
 * maximum saves time: a payload can have thousands of fields, and copying all of them takes milliseconds.
 */
export const maxDataFields = 500;

function dataOf(
  payload: PushSource['payload'],
  fields: readonly string[] | undefined,
  count: number,
): PushContent['data'] {
  const names = fields?.filter((field) => Object.hasOwn(payload, field)) ?? Object.keys(payload);
  const sent = names.slice(0, maxDataFields);
  const isWhole = fields === undefined && sent.length === names.length;
  const chosen = isWhole ? payload : Object.fromEntries(sent.map((field) => [field, payload[field]] as const));
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

/** The text without a long run of blanks at its start; undefined if it has no visible character. */
function visibleText(value: unknown): string | undefined {
  const text = textOf(value);
  return text === undefined || isBlank(text) ? undefined : withoutBlankStart(text);
}
