import { Controller, Get, Query } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { ConfigCascade, effectiveProperties, registry } from '@pns/config-cascade';
import { SubscriptionStore } from '@pns/persistence';
import { Presence, WebsocketClients } from '@pns/presence';
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
import { explanationOf, userExplanationOf } from './explanation';

/** Most subscriptions of a user that an explanation looks at. */
const maxSubscriptions = 500;

@ApiTags('Configuration')
@Controller('v1/config')
export class AnswersController {
  constructor(
    private readonly cascade: ConfigCascade,
    private readonly subscriptions: SubscriptionStore,
    private readonly presence: Presence,
    private readonly websocketClients: WebsocketClients,
  ) {}

  @Get('properties')
  @Requires('admin', { contextIn: 'none' })
  @ApiOperation({ summary: 'Every property that PNS knows' })
  @ApiOkResponse({ type: PropertyRegistry })
  properties(): PropertyRegistry {
    const items = [...registry].map(([name, { type, fallback, scopes, sentence }]) => {
      return { name, type, default: fallback, scopes: [...scopes], sentence };
    });
    return { items };
  }

  @Get('effective')
  @Requires('admin', { contextIn: 'query' })
  @ApiOperation({ summary: 'What holds for a user, and where each value comes from' })
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
    summary: 'Whether a notification would go to a client of a user, or to which of all of them, and why',
  })
  @ApiExtraModels(Explanation, UserExplanation)
  @ApiOkResponse({
    description: 'About one client where one is named; about all that the user has where none is.',
    schema: { anyOf: [{ $ref: getSchemaPath(Explanation) }, { $ref: getSchemaPath(UserExplanation) }] },
  })
  @ApiProblems('QUERY_INVALID', 'REDIS_UNREACHABLE')
  async explain(@Query() query: ExplainQuery): Promise<Explanation | UserExplanation> {
    const { transport, client, context, user, topic } = query;
    if (transport === undefined || client === undefined) return this.explainUser(query);
    const [{ items }] = await Promise.all([
      this.subscriptions.list({ context, user, client, transport }, { limit: maxSubscriptions }),
      this.cascade.load([query]),
    ]);
    const question = { context, user, topic, client, transport };
    return explanationOf(question, this.cascade.explain(transport, question), items, Date.now());
  }

  private async explainUser({ context, user, topic }: ExplainQuery): Promise<UserExplanation> {
    const of = { context, user };
    const [{ items, nextCursor }, [sockets = []]] = await Promise.all([
      this.subscriptions.list(of, { limit: maxSubscriptions }),
      this.presence.openSockets([of]),
      this.cascade.load([of]),
    ]);
    return userExplanationOf(
      { ...of, topic },
      { subscriptions: items, isComplete: nextCursor === undefined, sockets },
      {
        decisionOn: (transport, client) => this.cascade.explain(transport, { ...of, topic, client })?.decision,
        socketTopics: (client) => this.websocketClients.topicsOf(client),
        now: Date.now(),
      },
    );
  }
}
