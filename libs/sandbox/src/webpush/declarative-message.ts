import { z } from 'zod';

const badge = z.union([z.int().min(0), z.string().regex(/^\d+$/)]);

/**
 * A Declarative Web Push message, with the members that this user agent reads.
 * Source: https://www.w3.org/TR/push-api/#declarative-push-message
 */
const declarativeMessage = z.looseObject({
  web_push: z.literal(8030),
  notification: z.looseObject({
    title: z.string().min(1),
    // `navigate` is mandatory for browsers that show the message themselves, and optional for a service worker.
    navigate: z.url().optional(),
    body: z.string().optional(),
    tag: z.string().optional(),
    silent: z.boolean().nullish(),
    // WebKit reads `app_badge` here; the standard defines it as a member beside `notification`.
    app_badge: badge.optional(),
  }),
  app_badge: badge.optional(),
  mutable: z.boolean().optional(),
});

/** The content that a user agent shows for a message. */
export interface ShownMessage {
  readonly title: string;
  readonly body?: string;
  /** The page that a click opens; without `navigate`, only a service worker shows the message. */
  readonly navigate?: string;
  readonly badge?: string;
  readonly isSilent: boolean;
}

/** Whether a text has the member `web_push`, as declarative messages have. The web app handles all other texts. */
export function isDeclarative(text: string): boolean {
  const value = parsed(text);
  return typeof value === 'object' && value !== null && 'web_push' in value;
}

/**
 * The content that a user agent shows for a declarative message.
 *
 * @throws Error with the reason if the message cannot be shown.
 */
export function shownOf(text: string): ShownMessage {
  const { success, data, error } = declarativeMessage.safeParse(parsed(text));
  if (!success) {
    const [issue] = error.issues;
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { title, body, navigate, silent, app_badge } = data.notification;
  const badge = app_badge ?? data.app_badge;
  return {
    title,
    ...(body !== undefined && { body }),
    ...(navigate !== undefined && { navigate }),
    ...(badge !== undefined && { badge: String(badge) }),
    isSilent: silent === true,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
