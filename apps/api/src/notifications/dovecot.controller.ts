import { randomUUID } from 'node:crypto';
import { Body, Controller, Put, Req } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
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
import { addresseeIn } from './addressee';
import { DovecotNotification, dovecotRequest, notificationIdOf, type DovecotRequest } from './dovecot';
import { eventOf } from './dovecot-events';
import { count } from './ingest-count';
import { Intake } from './intake.service';

const done = { success: true };

/** The endpoint for Dovecot's driver and script, which log an error for every answer that is not a success. */
@ApiTags('Notifications')
@Controller('preliminary/http-notify/v1')
export class DovecotController {
  constructor(
    private readonly intake: Intake,
    private readonly directory: DirectoryStore,
  ) {}

  @Put('notify')
  @Requires('ingest', { contextIn: 'handler', retryAfterSeconds: 1 })
  @ApiOperation({
    summary: "Accept an event from Dovecot's push_notification driver ox or from the script pns.lua",
    description: `MessageNew and MessageAppend are \`ox:mail:new\`, MessageRead is \`ox:mail:read\`, FlagsSet and FlagsClear are
\`ox:mail:flags\`, MessageTrash and MessageExpunge are \`ox:mail:deleted\`, and MailboxCreate, MailboxRename and MailboxDelete are
\`ox:folder:changed\`. Other events and unknown users get status 200, and no notification is sent.`,
  })
  @ApiBody({ type: DovecotNotification })
  @ApiOkResponse({ schema: { type: 'object', properties: { success: { type: 'boolean' } } } })
  @ApiProblems('BODY_MALFORMED', 'DOVECOT_REQUEST_INVALID', 'BODY_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('OVERLOADED', 'REDIS_UNREACHABLE', 'BODY_INVALID')
  async notify(@Body() body: unknown, @Req() caller: FastifyRequest): Promise<{ success: boolean }> {
    const checked = check(dovecotRequest, body);
    if (!checked.ok) throw refused(sentenceOf(checked.faults), checked.faults);
    const request = checked.value;
    const event = eventOf(request);
    if (event === undefined) return done;
    const addressee = await this.addressee(request, caller);
    if (addressee === undefined) return done;
    const fault = payloadFault(event.topic, event.payload);
    if (fault !== undefined) throw refused(fault);
    const id = notificationIdOf(request, addressee);
    await this.intake.derived({
      ...addressee,
      ...(id === undefined ? { id: randomUUID() } : { id, idempotencyKey: id }),
      ...event,
      ...{ priority: 'high', timestamp: Date.now() },
      ...(caller.trace !== undefined && isSampled(caller.trace) && { postedBy: caller.trace }),
    });
    return done;
  }

  /**
   * The addressed user; undefined if a login is unknown, or belongs to a context that the API key may not access.
   *
   * @throws RequestError `CONTEXT_REFUSED` if the request names a context that the API key may not access.
   */
  private async addressee(request: DovecotRequest, caller: FastifyRequest): Promise<UserKey | undefined> {
    const named = addresseeIn(request.user);
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
