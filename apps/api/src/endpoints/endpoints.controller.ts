import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ConfigCascade } from '@pns/config-cascade';
import { EndpointLookup, EndpointStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { EnabledCount, EndpointList, EndpointQuery, EndpointsToEnable, endpointView } from './endpoints.dto';

@ApiTags('Endpoints')
@Controller('v1/endpoints')
export class EndpointsController {
  constructor(
    private readonly lookup: EndpointLookup,
    private readonly endpoints: EndpointStore,
    private readonly cascade: ConfigCascade,
  ) {}

  @Get()
  @Requires('admin', { contextIn: 'query' })
  @ApiOperation({
    summary: 'List the endpoints of webhooks and Web Push that fail, are deferred or are switched off, oldest first',
    description:
      'An endpoint is one URI of one client. It is switched off after it has failed for `com.openexchange.pns.endpoint.disableAfter`. It works again after the next successful delivery. A key that is restricted to contexts must name one of them.',
  })
  @ApiOkResponse({ type: EndpointList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(@Query() { limit, cursor, ...filter }: EndpointQuery): Promise<EndpointList> {
    const { items, nextCursor } = await this.lookup.list(filter, { limit, cursor });
    const disableAfterMs = this.cascade.resolve('com.openexchange.pns.endpoint.disableAfter').value;
    return {
      items: items.map((endpoint) => endpointView(endpoint, disableAfterMs)),
      ...(nextCursor === undefined ? {} : { nextCursor }),
    };
  }

  @Post('enable')
  @HttpCode(200)
  @Requires('admin', { contextIn: 'body' })
  @ApiOperation({
    summary: 'Switch endpoints on again',
    description:
      'Switches on the endpoints that match all given filters and are switched off; the answer contains their number. Their kept deliveries are sent. A registration of the same URI and a successful test push also switch an endpoint on.',
  })
  @ApiOkResponse({ type: EnabledCount })
  @ApiProblems('BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  async enable(@Body() filter: EndpointsToEnable): Promise<EnabledCount> {
    const enabled = await this.endpoints.enable(filter);
    for (const { transport, client, origin, id } of enabled) {
      log.info({ event: 'endpoint.switched-on', transport, client, origin, endpoint: id, by: 'api' });
    }
    return { enabled: enabled.length };
  }
}
