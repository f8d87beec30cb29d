import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ConfigChanges } from '@pns/config-cascade';
import { ConfigStore } from '@pns/persistence';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { PageQuery } from '../http/fields';
import { RequestError } from '../http/request-error';
import { ContextSetBody, ContextSetList, contextSetView, ContextSetView, SetPath } from './config.dto';
import { FileScopes } from './file-scopes';
import { expectedBy, setEtag } from './version';

@ApiTags('Configuration')
@Controller('v1/config/context-sets')
export class ContextSetsController {
  constructor(
    private readonly store: ConfigStore,
    private readonly changes: ConfigChanges,
    private readonly files: FileScopes,
  ) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({ summary: 'List all context sets, including those from files, in the order in which they are tried' })
  @ApiOkResponse({ type: ContextSetList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(@Query() page: PageQuery): Promise<ContextSetList> {
    const ofFiles = this.files.sets;
    const { items, nextCursor } = await this.store.contextSetsPage(page, ofFiles);
    const fileOf = ({ rank, version }: (typeof items)[number]) =>
      version === undefined ? ofFiles.find((set) => set.rank === rank)?.file : undefined;
    return {
      items: items.map((set) => contextSetView(set, fileOf(set))),
      ...(nextCursor === undefined ? {} : { nextCursor }),
    };
  }

  @Get(':set')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Read a context set; use the ETag for If-Match' })
  @ApiOkResponse({ type: ContextSetView })
  @ApiProblems('PATH_INVALID', 'CONTEXT_SET_NOT_FOUND')
  async get(@Param() { set }: SetPath, @Res({ passthrough: true }) reply: FastifyReply): Promise<ContextSetView> {
    const stored = await this.store.contextSet(set);
    const ofFile = this.files.set(set);
    if (stored === undefined && ofFile !== undefined) return contextSetView(ofFile, ofFile.file);
    if (stored === undefined) throw unknownSet(set);
    setEtag(reply, stored.version);
    return contextSetView(stored);
  }

  @Put(':set')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Add a context set, or change its rank and tags; its properties stay' })
  @ApiOkResponse({ type: ContextSetView })
  @ApiProblems('PATH_INVALID', 'BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('VERSION_CHANGED')
  async put(
    @Param() { set }: SetPath,
    @Body() { rank, withTags }: ContextSetBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContextSetView> {
    const expected = expectedBy(ifMatch, ifNoneMatch);
    const stored = await this.changes.make({ scope: 'server' }, () =>
      this.store.putContextSet({ name: set, rank, withTags }, expected),
    );
    setEtag(reply, stored.version);
    return contextSetView(stored);
  }

  @Delete(':set')
  @HttpCode(204)
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Remove a context set with its properties' })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'CONTEXT_SET_NOT_FOUND', 'VERSION_CHANGED')
  async remove(@Param() { set }: SetPath, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    const expected = expectedBy(ifMatch);
    const isRemoved = await this.changes.make({ scope: 'server' }, () => this.store.removeContextSet(set, expected));
    if (!isRemoved) throw unknownSet(set);
  }
}

function unknownSet(set: string): RequestError {
  return new RequestError('CONTEXT_SET_NOT_FOUND', `There is no context set ${set}.`);
}
