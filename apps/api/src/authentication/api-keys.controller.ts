import { hash, randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiKeyStore, type NewApiKey as NewKey, type RateLimit } from '@pns/persistence';
import type { FastifyRequest } from 'fastify';
import { ApiProblems } from '../http/api-problems';
import { PageQuery, UuidPath } from '../http/fields';
import { RequestError } from '../http/request-error';
import { ApiKeyList, ApiKeyView, apiKeyView, CreatedApiKey, NewApiKey, rateLimitOf } from './api-keys.dto';
import { contextSentence } from './context-access';
import { RemovedKeys } from './removed-keys';
import { RequiresScope } from './requires-scope';

@ApiTags('API keys')
@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(
    private readonly keys: ApiKeyStore,
    private readonly removed: RemovedKeys,
  ) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({ summary: 'List API keys, oldest first' })
  @ApiOkResponse({ type: ApiKeyList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(@Query() page: PageQuery): Promise<ApiKeyList> {
    const { items, nextCursor } = await this.keys.list(page);
    return { items: items.map(apiKeyView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  @Get(':id')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Read one API key, without the secret key' })
  @ApiOkResponse({ type: ApiKeyView })
  @ApiProblems('PATH_INVALID', 'API_KEY_NOT_FOUND')
  async get(@Param() { id }: UuidPath): Promise<ApiKeyView> {
    const key = await this.keys.get(id);
    if (key === undefined) throw unknownKey();
    return apiKeyView(key);
  }

  @Post()
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Create an API key; only this answer contains the key' })
  @ApiCreatedResponse({ type: CreatedApiKey })
  @ApiProblems('BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED', 'API_KEY_OUTLIVED')
  @ApiProblems('API_KEY_EXCEEDS_MAKER')
  async create(@Body() body: NewApiKey, @Req() { caller }: FastifyRequest): Promise<CreatedApiKey> {
    const { name, scopes, contexts, expiresAt } = body;
    const rateLimit = rateLimitOf(body);
    const until = expiresAt === undefined ? Infinity : Date.parse(expiresAt);
    const longest = caller?.expiresAt ?? Infinity;
    if (until > longest) {
      const sentence = `A key cannot create a key that expires later than itself; set expiresAt to at most ${new Date(longest).toISOString()}.`;
      throw new RequestError('API_KEY_OUTLIVED', sentence);
    }
    const excess = caller && excessOf({ scopes, contexts, rateLimit }, caller);
    if (excess !== undefined) throw new RequestError('API_KEY_EXCEEDS_MAKER', excess);
    const wanted = {
      ...{ name, scopes },
      ...(rateLimit === undefined ? {} : { rateLimit }),
      ...(contexts === undefined ? {} : { contexts }),
      ...(until === Infinity ? {} : { expiresAt: until }),
    };
    const key = `pns_${randomBytes(32).toString('base64url')}`;
    const created = await this.keys.add(wanted, Buffer.from(hash('sha256', key, 'hex'), 'hex'));
    return { ...apiKeyView(created), key };
  }

  @Delete(':id')
  @HttpCode(204)
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Delete an API key; it stops working in all processes at once' })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'API_KEY_NOT_FOUND')
  async remove(@Param() { id }: UuidPath): Promise<void> {
    if (!(await this.keys.remove(id))) throw unknownKey();
    await this.removed.announce(id);
  }
}

type Rights = Pick<NewKey, 'scopes'> & {
  readonly contexts?: readonly number[] | undefined;
  readonly rateLimit?: RateLimit | undefined;
};

/** The sentence that says why `wanted` exceeds the rights of `maker`, the key that creates it; undefined if it does not. */
function excessOf(wanted: Rights, maker: Rights): string | undefined {
  const missing = wanted.scopes.filter((scope) => !maker.scopes.includes(scope));
  if (missing.length > 0) return `A key can only grant scopes that it has; yours lacks ${missing.join(', ')}.`;
  const isWithin = maker.contexts === undefined || wanted.contexts?.every((each) => maker.contexts?.includes(each));
  if (isWithin !== true) return contextSentence(maker.contexts ?? []);
  if (maker.rateLimit === undefined) return undefined;
  const { perSecond, burst } = maker.rateLimit;
  if (wanted.rateLimit && wanted.rateLimit.perSecond <= perSecond && wanted.rateLimit.burst <= burst) return undefined;
  return `A key with a rate limit can only create keys with the same limit or a lower one: rateLimitPerSecond up to ${perSecond}, burst up to ${burst}.`;
}

function unknownKey(): RequestError {
  return new RequestError('API_KEY_NOT_FOUND', 'There is no API key with this id.');
}
