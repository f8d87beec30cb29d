import { Body, Controller, Put, Query, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiOkResponse, ApiOperation, ApiQuery, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { cutText } from '@pns/payloads';
import { SubscriptionStore } from '@pns/persistence';
import type { Session } from '@pns/sessions';
import { hasConfiguredUri, hasPushKeys, isRegistered } from '@pns/transport-contract';
import type { FastifyRequest } from 'fastify';
import { Registrar } from '../subscriptions/registrar';
import { tokensByTransport } from '../subscriptions/token-rules';
import { WebhookGate } from '../subscriptions/webhook-gate';
import { parseSubscription, parseUnsubscription } from './client-request';
import { answerOxError, OxError } from './ox-error';

const success = { data: { success: true } };

/** A request of a web app, from the documentation of the original. */
const subscriptionExample = {
  client: 'open-xchange-mobile-api-facade',
  transport: 'apn',
  token: '5a4d'.repeat(16),
  topics: ['ox:mail:*'],
};

/** The client API of the original, so that requests of its clients work unchanged. */
@ApiTags('Client API of Open-Xchange')
@Controller(['ajax/pns', 'appsuite/api/pns'])
export class ClientApiController {
  constructor(
    private readonly registrar: Registrar,
    private readonly subscriptions: SubscriptionStore,
    private readonly webhooks: WebhookGate,
  ) {}

  @Put()
  @RouteConfig({ takesSessions: true, takesAnyContentType: true, answerError: answerOxError })
  @ApiOperation({
    summary: "Subscribe or unsubscribe the session's user",
    description:
      'A browser sends `webpush` as transport, and `pushSubscription` instead of a token. Errors have status 200 and an error object: `SVL-0002` missing field, `SVL-0009` invalid JSON, `SVL-0021` unknown action, `SVL-0023` missing body, `SES-0201` missing session, `SES-0203` ended session, `PNS-0001` unexpected error, `PNS-0002` Redis or the identity provider is not reachable, `PNS-0003` Postgres is not reachable, `PNS-0005` unknown transport, `PNS-0006` the transport has no subscriptions, `PNS-0007` invalid topic, `PNS-0012` denied, `PNS-0013` too many subscriptions.',
  })
  @ApiQuery({ name: 'action', enum: ['subscribe', 'unsubscribe'] })
  @ApiQuery({ name: 'session', required: false, description: 'A session token, unless it is sent as a bearer token.' })
  @ApiSecurity('session')
  @ApiSecurity('sessionBearer')
  @ApiBody({ schema: { type: 'object', additionalProperties: true, example: subscriptionExample } })
  @ApiOkResponse({
    description: 'Success, or an error object.',
    schema: { type: 'object', additionalProperties: true, example: success },
  })
  async act(
    @Query('action') action: unknown,
    @Req() { session, id }: FastifyRequest,
    @Body() body: unknown,
  ): Promise<typeof success> {
    if (session === undefined) throw new Error('This route must take sessions.');
    if (action === 'subscribe') await this.subscribe(session, body, id);
    else if (action === 'unsubscribe') await this.unsubscribe(session, body);
    else throw new OxError('SVL-0021', 'action must be subscribe or unsubscribe.', [cutText(String(action), 100)]);
    return success;
  }

  private async subscribe({ context, user, client: own }: Session, body: unknown, requestId: string): Promise<void> {
    const request = parseSubscription(body);
    const { transport, token, pushSubscription, topics, meta, expires } = request;
    const client = request.client ?? own;
    if (client === undefined) throw missing('client');
    if (!isRegistered(transport)) {
      throw new OxError('PNS-0006', 'An open socket needs no subscription.', [transport]);
    }
    if (hasPushKeys(transport)) {
      if (pushSubscription === undefined) throw missing('pushSubscription');
    } else if (token === undefined && !hasConfiguredUri(transport)) throw missing('token');
    if (expires !== undefined && expires !== 0 && expires <= Date.now()) {
      throw new OxError('PNS-0012', 'expires must be a time in the future, in milliseconds since the epoch.');
    }
    const registration = { context, user, client, transport, token, pushSubscription, topics, meta, expires };
    await this.registrar.register(registration, { keyId: 'session', keyName: 'session', requestId });
  }

  /** Deletes the subscription. Succeeds also if there is none. */
  private async unsubscribe({ context, user, client: own }: Session, body: unknown): Promise<void> {
    const request = parseUnsubscription(body);
    const { transport } = request;
    const client = request.client ?? own;
    const configured =
      hasConfiguredUri(transport) && client !== undefined ? this.webhooks.configuredUri(client) : undefined;
    const token = request.token ?? request.pushSubscription?.endpoint ?? configured;
    if (token === undefined) return;
    const tokens = tokensByTransport(token, transport);
    await this.subscriptions.removeMatching({ context, user, client, transport, tokens });
  }
}

function missing(field: string): OxError {
  return new OxError('SVL-0002', `${field} is missing.`, [field]);
}
