import { Controller, Get, Query } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { ConfigCascade, effectiveProperties, registry } from '@pns/config-cascade';
import { SubscriptionStore } from '@pns/persistence';
import { SocketRegistry, WebsocketClients } from '@pns/sockets';
import { isRegistered } from '@pns/transport-contract';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import {
  EffectiveList,
  EffectiveQuery,
  Explanation,
  ExplainQuery,
  PropertyRegistry,
  UserExplanation,
} from './config.dto';
import { explanationOf, userExplanationOf, type Targets } from './explanation';

type TargetFilter = Pick<ExplainQuery, 'context' | 'user' | 'client' | 'transport'>;

/** Maximum number of a user's subscriptions that an explanation checks. */
const maxSubscriptions = 500;

@ApiTags('Configuration')
@Controller('v1/config')
export class AnswersController {
  constructor(
    private readonly cascade: ConfigCascade,
    private readonly subscriptions: SubscriptionStore,
    private readonly registry: SocketRegistry,
    private readonly websocketClients: WebsocketClients,
  ) {}

  @Get('properties')
  @Requires('admin', { contextIn: 'none' })
  @ApiOperation({ summary: 'List all properties that PNS knows' })
  @ApiOkResponse({ type: PropertyRegistry })
  properties(): PropertyRegistry {
    const items = [...registry].map(([name, { type, fallback, scopes, sentence }]) => {
      return { name, type, default: fallback, scopes: [...scopes], sentence };
    });
    return { items };
  }

  @Get('effective')
  @Requires('admin', { contextIn: 'query' })
  @ApiOperation({ summary: 'List the effective properties of a user, with the origin of each value' })
  @ApiOkResponse({ type: EffectiveList })
  @ApiProblems('QUERY_INVALID')
  async effective(@Query() { context, user, prefix = '' }: EffectiveQuery): Promise<EffectiveList> {
    await this.cascade.load([{ context, user }]);
    const items = effectiveProperties(this.cascade.scopesOf({ context, user }) ?? [], prefix);
    return { items };
  }

  @Get('explain')
  @Requires('admin', { contextIn: 'query' })
  @ApiOperation({
    summary: 'Explain which clients of a user would receive a notification, and why',
  })
  @ApiExtraModels(Explanation, UserExplanation)
  @ApiOkResponse({
    description: 'About one client if the query names one, else about all clients of the user.',
    schema: { anyOf: [{ $ref: getSchemaPath(Explanation) }, { $ref: getSchemaPath(UserExplanation) }] },
  })
  @ApiProblems('QUERY_INVALID', 'REDIS_UNREACHABLE')
  async explain(@Query() query: ExplainQuery): Promise<Explanation | UserExplanation> {
    const { transport, client, context, user, topic } = query;
    if (transport === undefined || client === undefined) return this.explainUser(query);
    const targets = await this.targetsOf({ context, user, client, transport });
    const question = { context, user, topic, client, transport };
    return explanationOf(question, this.cascade.explain(transport, question), targets, {
      socketTopics: (of) => this.websocketClients.topicsOf(of),
      now: Date.now(),
    });
  }

  private async explainUser({ context, user, topic }: ExplainQuery): Promise<UserExplanation> {
    const of = { context, user };
    return userExplanationOf({ ...of, topic }, await this.targetsOf(of), {
      decisionOn: (transport, client) => this.cascade.explain(transport, { ...of, topic, client })?.decision,
      socketTopics: (client) => this.websocketClients.topicsOf(client),
      now: Date.now(),
    });
  }

  /** The subscriptions and sockets of a user, or of one client. Also loads the user into the cascade. */
  private async targetsOf({ context, user, ...of }: TargetFilter): Promise<Targets> {
    const [{ items, nextCursor }, [sockets = []]] = await Promise.all([
      this.subscriptions.list({ context, user, ...of }, { limit: maxSubscriptions }),
      of.transport === undefined || !isRegistered(of.transport) ? this.registry.socketsOf([{ context, user }]) : [],
      this.cascade.load([{ context, user }]),
    ]);
    return { subscriptions: items, isComplete: nextCursor === undefined, sockets };
  }
}
