import { createHmac } from 'node:crypto';

/** The entry of webhook-producers.yml for the requests. */
export const appSuiteProducer = `appsuite:
  signatureSecret: a secret of App Suite
  webhookSecret: Bearer 0815
`;

/** The recorded requests of App Suite's webhook, one for each topic. */
export const appSuiteEvents = {
  'ox:mail:new': {
    event: 'ox:mail:new',
    payload: {
      ...{ folder: 'default0/INBOX', id: '113', email: 'jane.doe@example.com', displayname: 'Jane Doe' },
      ...{ subject: 'From App Suite', unread: 83, teaser: 'Hello', user: 14, context: 1, email1: 'john@example.com' },
    },
    timestamp: 1694677849605,
  },
  'ox:calendar:updates': {
    event: 'ox:calendar:updates',
    payload: {
      ...{ folders: ['cal://0/216759', 'cal://0/30'], sourceToken: '16946778318313953327844' },
      ...{ user: 14, context: 1, email1: 'john@example.com' },
    },
    timestamp: 1694677849605,
  },
} as const;

/** Sends a request of App Suite, signed now, and resolves with the status, the id of the notification and whether it is a duplicate. */
export async function sendFromAppSuite(
  apiUrl: string,
  event: object,
): Promise<{ status: number; id: string | undefined; result: string | undefined }> {
  const body = JSON.stringify(event);
  const now = Date.now();
  const digest = createHmac('sha256', 'a secret of App Suite').update(`v1:${now}:${body}`).digest('hex');
  const headers = {
    'content-type': 'application/json; charset=UTF-8',
    'user-agent': 'Open-Xchange Webhook Client',
    authorization: 'Bearer 0815',
    'x-ox-signature': `t=${now}, v1=${digest}`,
  };
  const answer = await fetch(`${apiUrl}/v1/webhooks/ox/appsuite`, { method: 'POST', headers, body });
  const { notifications = [] } = (await answer.json()) as { notifications?: { id: string; status: string }[] };
  return { status: answer.status, id: notifications[0]?.id, result: notifications[0]?.status };
}
