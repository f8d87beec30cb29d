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
import { ContextBody, ContextList, ContextPath, contextView, ContextView } from './contexts.dto';
import { Erasure, erasureDescription } from './erasure';

@ApiTags('Directory')
@Controller('v1/contexts')
export class ContextsController {
  constructor(
    private readonly directory: DirectoryStore,
    private readonly changes: ConfigChanges,
    private readonly erasure: Erasure,
  ) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({ summary: 'List the contexts of the directory, by id' })
  @ApiOkResponse({ type: ContextList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(@Query() page: PageQuery): Promise<ContextList> {
    const { items, nextCursor } = await this.directory.contexts(page);
    return { items: items.map(contextView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  @Get(':context')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Read a context of the directory; use the ETag for If-Match' })
  @ApiOkResponse({ type: ContextView })
  @ApiProblems('PATH_INVALID', 'CONTEXT_NOT_FOUND')
  async get(@Param() { context }: ContextPath, @Res({ passthrough: true }) reply: FastifyReply): Promise<ContextView> {
    const stored = await this.directory.context(context);
    if (stored === undefined) {
      throw new RequestError('CONTEXT_NOT_FOUND', `The directory has no context ${context}.`);
    }
    setEtag(reply, stored.version);
    return contextView(stored);
  }

  @Put(':context')
  @RequiresScope('admin')
  @ApiOperation({
    summary: 'Add a context to the directory, or replace its name and tags',
    description:
      'The id, the name and the tags decide which context sets match. Every process applies the change within a second. Users and properties of the context stay.',
  })
  @ApiOkResponse({ type: ContextView })
  @ApiProblems('PATH_INVALID', 'BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('CONTEXT_NAME_TAKEN', 'VERSION_CHANGED')
  async put(
    @Param() { context }: ContextPath,
    @Body() { name, tags }: ContextBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContextView> {
    const known = { context, ...(name === undefined ? {} : { name }), tags };
    const expected = expectedBy(ifMatch, ifNoneMatch);
    const stored = await this.changes.make({ scope: 'context', context }, () =>
      this.directory.putContext(known, expected),
    );
    setEtag(reply, stored.version);
    return contextView(stored);
  }

  @Delete(':context')
  @HttpCode(204)
  @RequiresScope('admin')
  @ApiOperation({
    summary: 'Erase a context: its users, properties and subscriptions, and their waiting notifications and deliveries',
    description: erasureDescription,
  })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'VERSION_CHANGED', 'ERASURE_UNFINISHED', 'REDIS_UNREACHABLE')
  async erase(@Param() { context }: ContextPath, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    await this.erasure.erase({ context }, expectedBy(ifMatch));
  }
}
