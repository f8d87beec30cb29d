import { Readable } from 'node:stream';
import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBody,
  ApiConsumes,
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { cloudEvent, cloudEventBatch, ndjson } from '../http/body-parsers';
import { RequestError } from '../http/request-error';
import { eventInHeaders, readCloudEvent } from './cloud-event';
import { hasEventHeaders } from './cloud-event-headers';
import { CloudEvent } from './cloud-event.schema';
import { readEntry } from './entry';
import { readIngestBody } from './ingest-body';
import { Intake, type Answer } from './intake.service';
import { IngestAnswer, NotificationBatch, NotificationEntry } from './notification.schema';
import { maxPostedBytes, type Posted } from './posted';

const description = `One notification, or \`{"notifications":[…]}\` of up to 1,000, in at most ${maxPostedBytes / 2 ** 20} MiB of JSON;
or \`${ndjson}\` with one notification per line, which is read as a stream. Notifications that 202 or 207 list as accepted survive
the crash of any process. Of a batch with invalid entries, the valid entries are accepted (207).

If the API key has a rate limit, each notification counts. Entries beyond the limit are listed as \`RATE_LIMITED\` beside the
accepted ones (207 with \`Retry-After\`); if no entry was accepted, the answer is 429. A stream is not read beyond the first of
them. An entry with more users than \`burst\` is accepted when the bucket is full; later requests wait until the excess is refilled.`;

const acceptedExample = { accepted: 1, notifications: [{ id: 'mail-113', status: 'accepted' }] };

@ApiTags('Notifications')
@Controller('v1/notifications')
export class NotificationsController {
  constructor(private readonly intake: Intake) {}

  @Post()
  @HttpCode(202)
  @Requires('ingest', {
    takesNdjson: true,
    takesCloudEvents: true,
    contextIn: 'handler',
    maxBodyBytes: maxPostedBytes,
    readBody: readIngestBody,
  })
  @ApiOperation({ summary: 'Post notifications', description })
  @ApiConsumes('application/json', ndjson, cloudEvent, cloudEventBatch)
  @ApiExtraModels(NotificationEntry, NotificationBatch, CloudEvent)
  @ApiBody({
    schema: { oneOf: [{ $ref: getSchemaPath(NotificationEntry) }, { $ref: getSchemaPath(NotificationBatch) }] },
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: 'An alternative to the `id` of a single notification.',
  })
  @ApiHeader({
    name: 'traceparent',
    required: false,
    description:
      'The W3C trace context of the request. The traces of its notifications continue it, if traces are recorded.',
  })
  @ApiAcceptedResponse({
    type: IngestAnswer,
    description: 'All notifications were accepted or are duplicates.',
    example: acceptedExample,
  })
  @ApiResponse({
    status: 207,
    type: IngestAnswer,
    description: 'Some entries were accepted; `errors` lists the others.',
  })
  @ApiProblems('BODY_MALFORMED', 'BODY_MISSING', 'IDEMPOTENCY_KEY_INVALID', 'REQUEST_ABORTED')
  @ApiProblems('BODY_TOO_LARGE', 'BATCH_TOO_LARGE', 'PAYLOAD_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('BODY_INVALID', 'NOTIFICATION_INVALID', 'NOTIFICATIONS_INVALID', 'TOPIC_INVALID', 'PAYLOAD_INVALID')
  @ApiProblems('ID_REUSED')
  @ApiProblems('OVERLOADED', 'REDIS_UNREACHABLE', 'STOPPING')
  async post(
    // The handler takes the whole request, because parameters that pass through pipes would cost some microseconds per request.
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const { status, body, headers } = await this.answerTo(request);
    if (status !== 202) reply.code(status);
    if (headers !== undefined) void reply.headers(headers);
    return body;
  }

  private async answerTo({ body, headers, caller, quota, trace }: FastifyRequest): Promise<Answer> {
    const idempotencyKey = headers['idempotency-key']?.toString();
    const posted = (body ?? eventWithoutData(headers)) as Readable | Posted | undefined;
    const isEvent = posted instanceof Readable ? hasEventHeaders(headers) : posted?.areCloudEvents === true;
    if (isEvent && posted instanceof Readable) {
      throw new RequestError(
        'MEDIA_TYPE_UNSUPPORTED',
        'The data of a CloudEvent must be JSON; its Content-Type is not.',
      );
    }
    if (isEvent && idempotencyKey !== undefined) {
      throw new RequestError('IDEMPOTENCY_KEY_INVALID', 'Remove Idempotency-Key: source and id identify a CloudEvent.');
    }
    const isSingle = posted === undefined || (!(posted instanceof Readable) && !posted.isBatch);
    if (idempotencyKey !== undefined && !isSingle) {
      const sentence = 'Idempotency-Key is for a single notification; set the field id of each notification instead.';
      throw new RequestError('IDEMPOTENCY_KEY_INVALID', sentence);
    }
    if (posted === undefined) throw new RequestError('BODY_MISSING', 'Send a notification as application/json.');
    const producer = { contexts: caller?.contexts, quota, trace };
    if (posted instanceof Readable) return this.intake.stream(posted, producer);
    const read = isEvent ? readCloudEvent : readEntry;
    if (posted.isBatch) return this.intake.batch(posted.entries, producer, read);
    return this.intake.single(posted.entry, idempotencyKey, producer, read);
  }
}

/** The CloudEvent in the headers of a request without a body. It is refused for its missing data, not for its missing body. */
function eventWithoutData(headers: FastifyRequest['headers']): Posted | undefined {
  if (!hasEventHeaders(headers)) return undefined;
  return { isBatch: false, entry: eventInHeaders(headers, undefined), areCloudEvents: true };
}
