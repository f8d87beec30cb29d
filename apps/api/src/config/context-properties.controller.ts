import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { PageQuery } from '../http/fields';
import { ContextNamePath, ContextPath, PropertyBody, PropertyList, PropertyView } from './config.dto';
import { PropertyWrites } from './property-writes';
import { expectedBy } from './version';

@ApiTags('Configuration')
@Controller('v1/config/contexts/:context/properties')
export class ContextPropertiesController {
  constructor(private readonly properties: PropertyWrites) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({ summary: 'List the properties that are set for a context, by name' })
  @ApiOkResponse({ type: PropertyList })
  @ApiProblems('PATH_INVALID', 'QUERY_INVALID', 'CURSOR_INVALID')
  list(@Param() { context }: ContextPath, @Query() page: PageQuery): Promise<PropertyList> {
    return this.properties.list({ scope: 'context', context }, page);
  }

  @Get(':name')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Read a property of a context; use the ETag for If-Match' })
  @ApiOkResponse({ type: PropertyView })
  @ApiProblems('PATH_INVALID', 'PROPERTY_NOT_SET')
  get(
    @Param() { context, name }: ContextNamePath,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PropertyView> {
    return this.properties.get({ scope: 'context', context }, name, reply);
  }

  @Put(':name')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Set a property of a context; every process applies it within a second' })
  @ApiOkResponse({ type: PropertyView })
  @ApiProblems('PATH_INVALID', 'BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('PROPERTY_UNKNOWN', 'PROPERTY_VALUE_INVALID', 'PROPERTY_SCOPE_REFUSED', 'PROPERTY_LIMIT')
  @ApiProblems('VERSION_CHANGED')
  put(
    @Param() { context, name }: ContextNamePath,
    @Body() body: PropertyBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PropertyView> {
    return this.properties.put({ scope: 'context', context }, name, body, expectedBy(ifMatch, ifNoneMatch), reply);
  }

  @Delete(':name')
  @HttpCode(204)
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Remove a property of a context, so that a wider scope decides' })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'PROPERTY_NOT_SET', 'VERSION_CHANGED')
  remove(@Param() { context, name }: ContextNamePath, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    return this.properties.remove({ scope: 'context', context }, name, expectedBy(ifMatch));
  }
}
