import { Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiAcceptedResponse, ApiBody, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Notification } from '@pns/notifications';
import type { TraceContext } from '@pns/transport-contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { ApiProblems } from '../http/api-problems';
import { client } from '../http/fields';
import { recordRequest } from '../http/request-traces';
import { posterOf } from '../notifications/entry';
import { IngestAnswer } from '../notifications/notification.schema';
import { Intake } from '../notifications/intake.service';
import { count } from '../notifications/ingest-count';
import { RequestError } from '../http/request-error';
import { AppSuiteEvent, appSuiteNotification, maxWebhookBytes } from './appsuite-event';
import { assertSigned, refusedProducer } from './webhook-producers';

const description = `For App Suite 8 as producer: the id is the name of an entry in \`webhook-producers.yml\`, and the URI of this
route is the \`uri\` of a webhook in App Suite's \`webhooks.yml\`. The user, the context and the source token come from the payload.
A repeated request is a duplicate.

The signature must not be older than five minutes and is checked for the exact body. Every refusal of a sender has status 401,
because App Suite deletes subscriptions for which a webhook answers 403, 404 or 405.`;

class ProducerPath extends createZodDto(z.object({ id: client.meta({ example: 'appsuite' }) })) {}

@ApiTags('Notifications')
@Controller('v1/webhooks/ox')
export class WebhookProducersController {
  constructor(private readonly intake: Intake) {}

  @Post(':id')
  @HttpCode(202)
  @RouteConfig({ takesProducers: true, maxBodyBytes: maxWebhookBytes, readBody: (bytes: Buffer) => bytes })
  @ApiOperation({ summary: "Accept a notification from App Suite's webhook", description })
  @ApiHeader({
    name: 'X-OX-Signature',
    required: false,
    description:
      '`t=<ms>, v1=<HMAC-SHA256 of "v1:<ms>:<body>" in hex>`. Required where the entry has a `signatureSecret`.',
  })
  @ApiBody({ type: AppSuiteEvent })
  @ApiAcceptedResponse({ type: IngestAnswer, description: 'The notification was accepted or is a duplicate.' })
  @ApiProblems('BODY_MALFORMED', 'PRODUCER_REFUSED', 'BODY_TOO_LARGE', 'PAYLOAD_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems(
    'NOTIFICATION_INVALID',
    'TOPIC_INVALID',
    'PAYLOAD_INVALID',
    'OVERLOADED',
    'REDIS_UNREACHABLE',
    'INTERNAL',
  )
  async post(
    @Param() _path: ProducerPath,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IngestAnswer> {
    const { producer, body } = request;
    if (producer === undefined) throw refusedProducer('The webhook is not known.', 'Basic'); // never: the hook has refused such a request
    const bytes = (body as Buffer | undefined) ?? Buffer.alloc(0);
    assertSigned(producer, bytes);
    const trace = recordRequest(request, reply); // a refused sender causes no span
    const notification = notificationIn(bytes);
    if (producer.options.contexts?.includes(notification.context) === false) {
      throw refusedProducer(
        'The webhook may not send notifications for this context; see webhook-producers.yml.',
        'Basic',
      );
    }
    const status = await this.intake.derived({ ...notification, ...postedBy(trace) });
    return { accepted: status === 'accepted' ? 1 : 0, notifications: [{ id: notification.id, status }] };
  }
}

function postedBy(trace: TraceContext | undefined): Pick<Notification, 'postedBy'> {
  const poster = posterOf({}, trace);
  return poster === undefined ? {} : { postedBy: poster };
}

function notificationIn(bytes: Buffer): Notification {
  try {
    return appSuiteNotification(bytes, Date.now());
  } catch (error) {
    if (error instanceof RequestError) count('refused');
    throw error;
  }
}
