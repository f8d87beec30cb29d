import { hash } from 'node:crypto';
import type { Notification } from '@pns/notifications';
import { payloadFault } from '@pns/payloads';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { check, sentenceOf } from '../http/faults';
import { idNumber, topic } from '../http/fields';
import { RequestError } from '../http/request-error';
import { readJson } from '../json/read-json';
import { payloadSizeFault } from '../notifications/entry';
import { entryBounds } from '../notifications/posted';
import { repeatableForMs } from './ox-signature';

/** Largest body of a webhook, in bytes. It is high, because every character of the payload may be an escape sequence. */
export const maxWebhookBytes = 512 * 1024;

const eventSchema = z
  .looseObject({
    event: topic.describe('The topic.'),
    payload: z
      .looseObject(
        {
          context: idNumber,
          user: idNumber,
          sourceToken: z.string().min(1).max(4096).optional(),
          email1: z.string().optional(),
        },
        { error: ({ input }) => (input === undefined ? undefined : 'must be a JSON object') },
      )
      .describe('The payload of the topic, and the addressed user.'),
    timestamp: z.int().optional().describe('When App Suite made the event, in ms since the epoch.'),
  })
  .meta({
    example: {
      event: 'ox:mail:new',
      payload: {
        folder: 'default0/INBOX',
        id: '113',
        email: 'jane.doe@example.com',
        displayname: 'Jane Doe',
        subject: "Let's meet",
        unread: 83,
        teaser: 'Hello',
        user: 14,
        context: 1,
        email1: 'john@example.com',
      },
      timestamp: 1694677849605,
    },
  });

/** The body of App Suite's webhook in the OpenAPI document. */
export class AppSuiteEvent extends createZodDto(eventSchema) {}

/**
 * The notification in the body of a webhook. Its id is a digest of the body, so a repeated request is the same notification. A header
 * with an id would not be signed, so a repeat with another id could not be recognised.
 *
 * @throws RequestError when the body is not a valid event
 */
export function appSuiteNotification(body: Buffer, now: number): Notification {
  const read = readJson(body, entryBounds, 'the event');
  if (!read.ok) {
    const code = (
      {
        malformed: 'BODY_MALFORMED',
        'too large': 'PAYLOAD_TOO_LARGE',
        'too deep': 'PAYLOAD_INVALID',
        altered: 'NOTIFICATION_INVALID',
      } as const
    )[read.reason];
    throw new RequestError(code, read.sentence, read.faults);
  }
  const checked = check(eventSchema, read.value, 'the event');
  if (!checked.ok) {
    const isTopic = checked.faults.every(({ field }) => field === 'event');
    throw new RequestError(
      isTopic ? 'TOPIC_INVALID' : 'NOTIFICATION_INVALID',
      sentenceOf(checked.faults),
      checked.faults,
    );
  }
  const { event } = checked.value;
  const { context, user, sourceToken, email1, ...payload } = checked.value.payload;
  void email1; // the webhook transport adds the address of PNS' own directory
  const tooLarge = payloadSizeFault(payload, read.compactBytes);
  if (tooLarge !== undefined) throw new RequestError(tooLarge.code, sentenceOf([tooLarge]), [tooLarge]);
  const misfit = payloadFault(event, payload);
  if (misfit !== undefined) throw new RequestError('PAYLOAD_INVALID', misfit);
  const id = `ox-${hash('sha256', body, 'base64url').slice(0, 32)}`;
  return {
    ...{ id, idempotencyKey: id, context, user, topic: event, payload, priority: 'high', timestamp: now },
    keepIdForMs: repeatableForMs,
    ...(sourceToken === undefined ? {} : { sourceToken }),
  };
}
