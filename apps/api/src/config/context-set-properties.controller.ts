import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { PageQuery } from '../http/fields';
import { PropertyBody, PropertyList, PropertyView, SetNamePath, SetPath } from './config.dto';
import { PropertyWrites } from './property-writes';
import { expectedBy } from './version';

@ApiTags('Configuration')
@Controller('v1/config/context-sets/:set/properties')
export class ContextSetPropertiesController {
  constructor(private readonly properties: PropertyWrites) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({ summary: 'List the properties of a context set, including those from files, by name' })
  @ApiOkResponse({ type: PropertyList })
  @ApiProblems('PATH_INVALID', 'QUERY_INVALID', 'CURSOR_INVALID', 'CONTEXT_SET_NOT_FOUND')
  list(@Param() { set }: SetPath, @Query() page: PageQuery): Promise<PropertyList> {
    return this.properties.list({ scope: 'contextSet', set }, page);
  }

  @Get(':name')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Read a property of a context set; use the ETag for If-Match' })
  @ApiOkResponse({ type: PropertyView })
  @ApiProblems('PATH_INVALID', 'PROPERTY_NOT_SET')
  get(@Param() { set, name }: SetNamePath, @Res({ passthrough: true }) reply: FastifyReply): Promise<PropertyView> {
    return this.properties.get({ scope: 'contextSet', set }, name, reply);
  }

  @Put(':name')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Set a property of a context set; every process applies it within a second' })
  @ApiOkResponse({ type: PropertyView })
  @ApiProblems('PATH_INVALID', 'BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems(
    'PROPERTY_UNKNOWN',
    'PROPERTY_VALUE_INVALID',
    'PROPERTY_SCOPE_REFUSED',
    'VERSION_CHANGED',
    'CONTEXT_SET_NOT_FOUND',
  )
  put(
    @Param() { set, name }: SetNamePath,
    @Body() body: PropertyBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PropertyView> {
    return this.properties.put({ scope: 'contextSet', set }, name, body, expectedBy(ifMatch, ifNoneMatch), reply);
  }

  @Delete(':name')
  @HttpCode(204)
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Remove a property of a context set, so that a wider scope decides' })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'PROPERTY_NOT_SET', 'VERSION_CHANGED')
  remove(@Param() { set, name }: SetNamePath, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    return this.properties.remove({ scope: 'contextSet', set }, name, expectedBy(ifMatch));
  }
}
