import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ConfigChanges } from '@pns/config-cascade';
import { DirectoryStore } from '@pns/persistence';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '../authentication/requires-scope';
import { expectedBy, setEtag } from '../config/version';
import { ApiProblems } from '../http/api-problems';
import { PageQuery } from '../http/fields';
import { RequestError } from '../http/request-error';
import { ContextPath } from './contexts.dto';
import { Erasure, erasureDescription } from './erasure';
import { UserBody, UserList, UserPath, userView, UserView } from './users.dto';

@ApiTags('Directory')
@Controller('v1/contexts/:context/users')
export class UsersController {
  constructor(
    private readonly directory: DirectoryStore,
    private readonly changes: ConfigChanges,
    private readonly erasure: Erasure,
  ) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({ summary: 'List the users of a context in the directory, by id' })
  @ApiOkResponse({ type: UserList })
  @ApiProblems('PATH_INVALID', 'QUERY_INVALID', 'CURSOR_INVALID')
  async list(@Param() { context }: ContextPath, @Query() page: PageQuery): Promise<UserList> {
    const { items, nextCursor } = await this.directory.users(context, page);
    return { items: items.map(userView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  @Get(':user')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Read a user of the directory; use the ETag for If-Match' })
  @ApiOkResponse({ type: UserView })
  @ApiProblems('PATH_INVALID', 'USER_NOT_FOUND')
  async get(@Param() key: UserPath, @Res({ passthrough: true }) reply: FastifyReply): Promise<UserView> {
    const stored = await this.directory.get(key);
    if (stored === undefined) {
      throw new RequestError('USER_NOT_FOUND', `The directory has no user ${key.user} in context ${key.context}.`);
    }
    setEtag(reply, stored.version);
    return userView(stored);
  }

  @Put(':user')
  @RequiresScope('admin')
  @ApiOperation({
    summary: 'Add a user to the directory, or replace the entry',
    description:
      'A new context is added too. The tags of the user and of the context decide which context sets match. Every process applies the change within a second.',
  })
  @ApiOkResponse({ type: UserView })
  @ApiProblems('PATH_INVALID', 'BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('LOGIN_TAKEN', 'VERSION_CHANGED')
  async put(
    @Param() { context, user }: UserPath,
    @Body() { primaryEmail, logins, tags }: UserBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserView> {
    const known = { context, user, ...(primaryEmail === undefined ? {} : { primaryEmail }), logins, tags };
    const expected = expectedBy(ifMatch, ifNoneMatch);
    const stored = await this.changes.make({ scope: 'user', context, user }, () => this.directory.put(known, expected));
    setEtag(reply, stored.version);
    return userView(stored);
  }

  @Delete(':user')
  @HttpCode(204)
  @RequiresScope('admin')
  @ApiOperation({
    summary: 'Erase a user: properties, subscriptions and sessions, and waiting notifications and deliveries',
    description: erasureDescription,
  })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'VERSION_CHANGED', 'ERASURE_UNFINISHED', 'REDIS_UNREACHABLE')
  async erase(@Param() { context, user }: UserPath, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    await this.erasure.erase({ context, user }, expectedBy(ifMatch));
  }
}
