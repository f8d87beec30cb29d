import { PnsError } from '@pns/runtime';
import type { WebhookEntry } from './demo-config';

/** The user of the example, as in the original's documentation. */
const user = { context: 1, user: 14 };
const userPath = `/v1/contexts/${user.context}/users/${user.user}`;
const directoryEntry = { primaryEmail: 'john@example.com' };
const webhookPath = '/v1/clients/sandbox/transports/webhook';
const subscription = { ...user, client: 'sandbox', transport: 'webhook', topics: ['*'] };

const notification = {
  ...user,
  topic: 'ox:mail:new',
  payload: {
    folder: 'default0/INBOX',
    id: '113',
    email: 'jane.doe@example.com',
    displayname: 'Jane Doe',
    subject: "Let's meet",
    unread: 83,
    teaser: 'Hello',
  },
};

export interface ApiAccess {
  readonly url: string;
  readonly key: string;
}

/**
 * Creates the user of the example and its subscriptions, unless the directory has this user. A subscription from a
 * start with another port of the sandbox gets the current URI. `webhook` replaces the sandbox's entry in
 * `webhooks.yml`.
 */
export async function prepareDemo(api: ApiAccess, sandboxUrl: string, webhook?: WebhookEntry): Promise<void> {
  if (webhook !== undefined) await answerOf(api, 'PUT', webhookPath, webhook);
  else await forgetMovedWebhook(api, sandboxUrl);
  const isFirstStart = (await answerOf(api, 'GET', userPath)) === undefined;
  const { client, transport } = subscription;
  const query = new URLSearchParams({ context: `${user.context}`, user: `${user.user}`, client, transport });
  const list = (await answerOf(api, 'GET', `/v1/subscriptions?${query.toString()}`)) as SubscriptionList;
  const moved = list.items.filter(({ token }) => !token.startsWith(`${sandboxUrl}/`));
  for (const { id } of moved) await answerOf(api, 'DELETE', `/v1/subscriptions/${id}`);
  // Later starts register again. This changes nothing, but it is refused if the configuration no longer has the webhook.
  if (isFirstStart || list.items.length > 0) await subscribe(api, sandboxUrl);
  if (isFirstStart) await answerOf(api, 'PUT', userPath, directoryEntry); // This comes last, because it marks the set-up as complete.
}

/**
 * @throws PnsError `DEMO_REFUSED` if the configuration has no webhook `sandbox` for this user, or one with another URI.
 */
async function subscribe(api: ApiAccess, sandboxUrl: string): Promise<void> {
  const { id, token } = (await answerOf(api, 'POST', '/v1/subscriptions', subscription)) as Subscribed;
  if (token.startsWith(`${sandboxUrl}/`)) return;
  await answerOf(api, 'DELETE', `/v1/subscriptions/${id}`);
  throw new PnsError('DEMO_REFUSED', 'the webhook sandbox of the configuration has another URI');
}

/** Removes the entry that a start with another port has set, so that the file's entry takes effect again. */
async function forgetMovedWebhook(api: ApiAccess, sandboxUrl: string): Promise<void> {
  const stored = (await answerOf(api, 'GET', webhookPath)) as { readonly options: WebhookEntry } | undefined;
  const uri = stored?.options.uri;
  const isMoved = uri?.startsWith('http://127.0.0.1:') === true && !uri.startsWith(`${sandboxUrl}/`);
  if (isMoved) await answerOf(api, 'DELETE', webhookPath);
}

interface Subscribed {
  readonly id: string;
  readonly token: string;
}

interface SubscriptionList {
  readonly items: readonly Subscribed[];
}

/** Sends a request and returns the JSON of the answer; undefined for 404. */
async function answerOf(api: ApiAccess, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await call(api, method, path, body);
  const text = await answer.text();
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new PnsError('DEMO_REFUSED', detailOf(text) ?? `${path} answered ${answer.status}`);
  return text === '' ? {} : JSON.parse(text);
}

/** The `detail` of a problem; undefined if `text` is not JSON. */
function detailOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { readonly detail?: string }).detail;
  } catch {
    return undefined;
  }
}

function call({ url, key }: ApiAccess, method: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) };
  return fetch(new URL(path, url), { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

/** A shell command that posts a notification. */
export function exampleCommand({ url, key }: ApiAccess): string {
  const body = JSON.stringify(notification).replaceAll("'", "'\\''");
  return [
    `curl -i ${url}/v1/notifications`,
    `-H 'Authorization: Bearer ${key}'`,
    `-H 'Content-Type: application/json'`,
    `-d '${body}'`,
  ].join(' \\\n    ');
}
