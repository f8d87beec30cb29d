import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { PageQuery } from '../http/fields';
import { NamePath, PropertyBody, PropertyList, PropertyView } from './config.dto';
import { PropertyWrites } from './property-writes';
import { expectedBy } from './version';

@ApiTags('Configuration')
@Controller('v1/config/server/properties')
export class ServerPropertiesController {
  constructor(private readonly properties: PropertyWrites) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({ summary: 'List the properties of the server, including those from files, by name' })
  @ApiOkResponse({ type: PropertyList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  list(@Query() page: PageQuery): Promise<PropertyList> {
    return this.properties.list({ scope: 'server' }, page);
  }

  @Get(':name')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Read a property of the server; use the ETag for If-Match' })
  @ApiOkResponse({ type: PropertyView })
  @ApiProblems('PATH_INVALID', 'PROPERTY_NOT_SET')
  get(@Param() { name }: NamePath, @Res({ passthrough: true }) reply: FastifyReply): Promise<PropertyView> {
    return this.properties.get({ scope: 'server' }, name, reply);
  }

  @Put(':name')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Set a property of the server; every process applies it within a second' })
  @ApiOkResponse({ type: PropertyView })
  @ApiProblems('PATH_INVALID', 'BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('PROPERTY_UNKNOWN', 'PROPERTY_VALUE_INVALID', 'PROPERTY_SCOPE_REFUSED', 'VERSION_CHANGED')
  put(
    @Param() { name }: NamePath,
    @Body() body: PropertyBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PropertyView> {
    return this.properties.put({ scope: 'server' }, name, body, expectedBy(ifMatch, ifNoneMatch), reply);
  }

  @Delete(':name')
  @HttpCode(204)
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Remove a property of the server, so that a wider scope decides' })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'PROPERTY_NOT_SET', 'VERSION_CHANGED')
  remove(@Param() { name }: NamePath, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    return this.properties.remove({ scope: 'server' }, name, expectedBy(ifMatch));
  }
}
