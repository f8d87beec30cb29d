import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { SubscriptionStore, type Registrant, type StoredSubscription, type SubscriptionFilter } from '@pns/persistence';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mayAccessContext } from '../authentication/context-access';
import { Requires } from '../authentication/requires-scope';
import { expectedBy, setEtag } from '../config/version';
import { ApiProblems } from '../http/api-problems';
import { UuidPath } from '../http/fields';
import { RequestError } from '../http/request-error';
import { Registrar } from './registrar';
import { RegistrationWarnings } from './registration-warnings';
import {
  NewSubscription,
  RegisteredSubscription,
  RemovedCount,
  SubscriptionChanges,
  SubscriptionFilterQuery,
  SubscriptionList,
  SubscriptionQuery,
  subscriptionView,
  SubscriptionView,
  TestOutcome,
} from './subscriptions.dto';
import { TestPush, testTimeoutMs, testTopic } from './test-push';
import { tokensByTransport } from './token-rules';

@ApiTags('Subscriptions')
@Controller('v1/subscriptions')
export class SubscriptionsController {
  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly registrar: Registrar,
    private readonly testPush: TestPush,
    private readonly warnings: RegistrationWarnings,
  ) {}

  @Post()
  @Requires(['client', 'admin'], { contextIn: 'body', auditedAs: sameRegistration })
  @ApiOperation({
    summary: 'Register a subscription, or register it again',
    description:
      'A repeat with the same context, user, client, transport and token replaces topics, expiry and meta and keeps the id (200). A token belongs to one user per transport and client. The last user who registers a device token takes it over, and the audit logs of both contexts record this. A webhook URI that is not shared stays with the first user; other users get 409 until that subscription is deleted or expires.',
  })
  @ApiCreatedResponse({ type: RegisteredSubscription, description: 'The subscription is new.' })
  @ApiOkResponse({ type: RegisteredSubscription, description: 'The subscription existed and was replaced.' })
  @ApiProblems('BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED', 'SUBSCRIPTION_LIMIT')
  @ApiProblems('WEBHOOK_UNKNOWN', 'WEBHOOK_REFUSED', 'WEBHOOK_NOT_ENABLED', 'WEBHOOK_URI_REFUSED')
  @ApiProblems('WEBHOOK_EXPIRY_REFUSED', 'TOKEN_TAKEN', 'TOKEN_INVALID')
  async register(
    @Body() body: NewSubscription,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RegisteredSubscription> {
    const { subscription, isNew } = await this.registrar.register(body, registrantOf(request));
    reply.code(isNew ? 201 : 200);
    setEtag(reply, subscription.version);
    const warnings = this.warnings.of(subscription);
    return { ...subscriptionView(subscription), ...(warnings.length === 0 ? {} : { warnings }) };
  }

  @Get()
  @Requires(['client', 'admin'], { contextIn: 'query' })
  @ApiOperation({ summary: 'List subscriptions, oldest first, expired ones included' })
  @ApiOkResponse({ type: SubscriptionList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(@Query() { limit, cursor, ...filter }: SubscriptionQuery): Promise<SubscriptionList> {
    const { items, nextCursor } = await this.subscriptions.list(filterOf(filter), { limit, cursor });
    return { items: items.map(subscriptionView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  @Get(':id')
  @Requires(['client', 'admin'], { contextIn: 'handler' })
  @ApiOperation({ summary: 'Read a subscription; use the ETag for If-Match' })
  @ApiOkResponse({ type: SubscriptionView })
  @ApiProblems('PATH_INVALID', 'SUBSCRIPTION_NOT_FOUND')
  async get(
    @Param() { id }: UuidPath,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SubscriptionView> {
    const subscription = await this.found(id, request);
    setEtag(reply, subscription.version);
    return subscriptionView(subscription);
  }

  @Patch(':id')
  @Requires(['client', 'admin'], { contextIn: 'handler' })
  @ApiOperation({ summary: 'Change topics, expiry or meta of a subscription; other fields stay' })
  @ApiOkResponse({ type: SubscriptionView })
  @ApiProblems('PATH_INVALID', 'BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('SUBSCRIPTION_NOT_FOUND', 'WEBHOOK_UNKNOWN', 'WEBHOOK_REFUSED', 'WEBHOOK_NOT_ENABLED')
  @ApiProblems('WEBHOOK_URI_REFUSED', 'WEBHOOK_EXPIRY_REFUSED', 'VERSION_CHANGED')
  @ApiProblems('SUBSCRIPTION_LIMIT', 'TOKEN_TAKEN')
  async change(
    @Param() { id }: UuidPath,
    @Body() changes: SubscriptionChanges,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SubscriptionView> {
    const current = await this.found(id, request);
    const subscription = await this.registrar.change(current, changes, expectedBy(ifMatch));
    if (subscription === undefined) throw unknownSubscription();
    setEtag(reply, subscription.version);
    return subscriptionView(subscription);
  }

  @Post(':id/test')
  @HttpCode(200)
  @Requires(['client', 'admin'], { contextIn: 'handler', auditedAs: ({ url }) => url.replace(/\/test(\?.*)?$/, '') })
  @ApiOperation({
    summary: 'Send a test push and wait for the answer of the provider',
    description: `Makes one attempt with topic \`${testTopic}\` and waits at most ${testTimeoutMs} ms. The topics of the subscription do not matter, but the cascade must allow the transport. If the provider answers that the target no longer exists, the subscription is removed, as after every push.`,
  })
  @ApiOkResponse({ type: TestOutcome })
  @ApiProblems('PATH_INVALID', 'SUBSCRIPTION_NOT_FOUND', 'TEST_UNANSWERED', 'REDIS_UNREACHABLE')
  async test(@Param() { id }: UuidPath, @Req() request: FastifyRequest): Promise<TestOutcome> {
    return this.testPush.send(await this.found(id, request));
  }

  @Delete(':id')
  @HttpCode(204)
  @Requires(['client', 'admin'], { contextIn: 'handler' })
  @ApiOperation({ summary: 'Remove a subscription' })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'SUBSCRIPTION_NOT_FOUND', 'VERSION_CHANGED')
  async remove(
    @Param() { id }: UuidPath,
    @Headers('if-match') ifMatch: string | undefined,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.found(id, request);
    if (!(await this.subscriptions.remove(id, expectedBy(ifMatch)))) throw unknownSubscription();
  }

  @Delete()
  @Requires(['client', 'admin'], {
    contextIn: 'query',
    auditedAs: ({ url }) => `${url}${url.includes('?') ? '&' : '?'}limit=500`,
  })
  @ApiOperation({ summary: 'Remove all subscriptions that match all filters; at least one filter is needed' })
  @ApiOkResponse({ type: RemovedCount })
  @ApiProblems('QUERY_INVALID', 'FILTER_MISSING')
  async removeMatching(@Query() filter: SubscriptionFilterQuery): Promise<RemovedCount> {
    if (Object.values(filter).every((value) => value === undefined)) {
      throw new RequestError(
        'FILTER_MISSING',
        'Set at least one of context, user, client, transport, topic and token.',
      );
    }
    return { removed: await this.subscriptions.removeMatching(filterOf(filter)) };
  }

  /** The subscription `id`. @throws RequestError `SUBSCRIPTION_NOT_FOUND`, also for a context that the API key may not access. */
  private async found(id: string, request: FastifyRequest): Promise<StoredSubscription> {
    const subscription = await this.subscriptions.get(id);
    if (subscription === undefined || !mayAccessContext(request, subscription.context)) throw unknownSubscription();
    return subscription;
  }
}

/** Replaces the token by its normal forms, because each transport has its own form. */
function filterOf({ token, ...rest }: SubscriptionFilterQuery): SubscriptionFilter {
  return token === undefined ? rest : { ...rest, tokens: tokensByTransport(token, rest.transport) };
}

function registrantOf({ id, caller }: FastifyRequest): Registrant {
  return { keyId: caller?.id ?? 'unknown', keyName: caller?.name ?? 'unknown', requestId: id };
}

function unknownSubscription(): RequestError {
  return new RequestError('SUBSCRIPTION_NOT_FOUND', 'There is no subscription with this id.');
}

const registrationKey = ['context', 'user', 'client', 'transport', 'token'] as const;

/** The path that shows the subscription that a registration replaces. */
function sameRegistration({ body }: FastifyRequest): string {
  const asked = (body ?? {}) as Readonly<Record<string, unknown>>;
  const query = new URLSearchParams();
  for (const name of registrationKey) {
    const value = name === 'token' ? (asked[name] ?? endpointIn(asked)) : asked[name];
    if (typeof value === 'string' || typeof value === 'number') query.set(name, String(value));
  }
  return `/v1/subscriptions?${query.toString()}`;
}

function endpointIn({ pushSubscription }: Readonly<Record<string, unknown>>): unknown {
  return (pushSubscription as { readonly endpoint?: unknown } | undefined)?.endpoint;
}
