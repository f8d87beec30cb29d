import { randomUUID } from 'node:crypto';
import { Body, Controller, Put, Req } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Ingest } from '@pns/aggregation';
import type { Notification } from '@pns/notifications';
import { payloadFault } from '@pns/payloads';
import { DirectoryStore } from '@pns/persistence';
import type { UserKey } from '@pns/subscriptions';
import { isSampled } from '@pns/transport-contract';
import type { FastifyRequest } from 'fastify';
import { assertContextAccess, mayAccessContext } from '../authentication/context-access';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { check, sentenceOf, type Fault } from '../http/faults';
import { RequestError } from '../http/request-error';
import {
  addresseeOf,
  DovecotNotification,
  dovecotRequest,
  isNewMail,
  mailPayload,
  notificationIdOf,
  type DovecotRequest,
} from './dovecot';
import { count, countNotAccepted } from './ingest-count';

const topic = 'ox:mail:new';
const done = { success: true };

/** The endpoint for Dovecot's driver, which logs an error for every answer that is not a success. */
@ApiTags('Notifications')
@Controller('preliminary/http-notify/v1')
export class DovecotController {
  constructor(
    private readonly ingest: Ingest,
    private readonly directory: DirectoryStore,
  ) {}

  @Put('notify')
  @Requires('ingest', { contextIn: 'handler', retryAfterSeconds: 1 })
  @ApiOperation({
    summary: "Accept a new mail from Dovecot's push_notification driver ox",
    description: 'Other events than messageNew and unknown users get status 200, and no notification is sent.',
  })
  @ApiBody({ type: DovecotNotification })
  @ApiOkResponse({ schema: { type: 'object', properties: { success: { type: 'boolean' } } } })
  @ApiProblems('BODY_MALFORMED', 'DOVECOT_REQUEST_INVALID', 'BODY_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('OVERLOADED', 'REDIS_UNREACHABLE', 'BODY_INVALID')
  async notify(@Body() body: unknown, @Req() caller: FastifyRequest): Promise<{ success: boolean }> {
    const checked = check(dovecotRequest, body);
    if (!checked.ok) throw refused(sentenceOf(checked.faults), checked.faults);
    const request = checked.value;
    if (!isNewMail(request)) return done;
    const addressee = await this.addressee(request, caller);
    if (addressee === undefined) return done;
    const payload = mailPayload(request);
    const fault = payloadFault(topic, payload);
    if (fault !== undefined) throw refused(fault);
    const id = notificationIdOf(request, addressee);
    await this.join({
      ...addressee,
      ...(id === undefined ? { id: randomUUID() } : { id, idempotencyKey: id }),
      ...{ topic, payload, priority: 'high', timestamp: Date.now() },
      ...(caller.trace !== undefined && isSampled(caller.trace) && { postedBy: caller.trace }),
    });
    return done;
  }

  /** The same mail counts as a duplicate, also when its number of unread mails has changed. */
  private async join(notification: Notification): Promise<void> {
    try {
      (await this.ingest.join([notification])).forEach((status) => count(status === 'reused' ? 'duplicate' : status));
    } catch (error) {
      countNotAccepted(1, error);
      throw error;
    }
  }

  /** A login in a context that the API key may not access counts as unknown. */
  private async addressee(request: DovecotRequest, caller: FastifyRequest): Promise<UserKey | undefined> {
    const named = addresseeOf(request);
    if (named !== undefined) {
      assertContextAccess(caller, named.context);
      return named;
    }
    const found = await this.directory.userByLogin(request.user);
    return found !== undefined && mayAccessContext(caller, found.context) ? found : undefined;
  }
}

function refused(sentence: string, faults: readonly Fault[] = []): RequestError {
  count('refused');
  return new RequestError('DOVECOT_REQUEST_INVALID', sentence, faults);
}
