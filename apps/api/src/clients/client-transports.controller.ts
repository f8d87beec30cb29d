import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Query, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ConfigChanges } from '@pns/config-cascade';
import {
  ClientTransportStore,
  FailedDeliveryStore,
  type ClientTransport,
  type ClientTransportKey,
} from '@pns/persistence';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '../authentication/requires-scope';
import { expectedBy, setEtag } from '../config/version';
import { ApiProblems } from '../http/api-problems';
import { check, sentenceOf } from '../http/faults';
import { PageQuery } from '../http/fields';
import { RequestError } from '../http/request-error';
import {
  ClientTransportBody,
  ClientTransportList,
  ClientTransportPath,
  clientTransportView,
  ClientTransportView,
  configurables,
  pausedView,
} from './client-transports.dto';
import { OptionFileFaults } from './option-file-faults';

@ApiTags('Clients')
@Controller('v1/clients')
export class ClientTransportsController {
  constructor(
    private readonly store: ClientTransportStore,
    private readonly failed: FailedDeliveryStore,
    private readonly changes: ConfigChanges,
    private readonly optionFiles: OptionFileFaults,
  ) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({
    summary:
      'List client options set through this API, without secrets; clients whose deliveries are held; and faults in the option files',
  })
  @ApiOkResponse({ type: ClientTransportList })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID')
  async list(@Query() page: PageQuery): Promise<ClientTransportList> {
    const [{ items, nextCursor }, held] = await Promise.all([this.store.page(page), this.failed.heldClients()]);
    return {
      items: items.map(clientTransportView),
      paused: held.map(pausedView),
      faults: [...this.optionFiles.all()],
      ...(nextCursor === undefined ? {} : { nextCursor }),
    };
  }

  @Get(':client/transports/:transport')
  @RequiresScope('admin')
  @ApiOperation({ summary: 'Read the options of a client for a transport; use the ETag for If-Match' })
  @ApiOkResponse({ type: ClientTransportView })
  @ApiProblems('PATH_INVALID', 'CLIENT_OPTIONS_NOT_SET')
  async get(
    @Param() key: ClientTransportPath,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientTransportView> {
    const stored = await this.stored(key);
    setEtag(reply, stored.version);
    return clientTransportView(stored);
  }

  @Put(':client/transports/:transport')
  @RequiresScope('admin')
  @ApiOperation({
    summary: 'Set the credentials and options of a client for a transport',
    description:
      "They replace all earlier options, secrets included, and take precedence over the transport's option file. The server checks them at once (it opens keystores and parses keys) and stores them encrypted. Every worker applies them within a second.",
  })
  @ApiOkResponse({ type: ClientTransportView })
  @ApiProblems('PATH_INVALID', 'BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED')
  @ApiProblems('VERSION_CHANGED')
  async put(
    @Param() key: ClientTransportPath,
    @Body() options: ClientTransportBody,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientTransportView> {
    const checked = check(configurables[key.transport].options, options, 'body');
    if (!checked.ok) throw new RequestError('BODY_INVALID', sentenceOf(checked.faults), checked.faults);
    const expected = expectedBy(ifMatch, ifNoneMatch);
    const stored = await this.changes.make({ scope: 'server' }, () => this.store.put(key, options, expected));
    // The stored options are not read again, because another request may have removed them meanwhile.
    setEtag(reply, stored.version);
    return clientTransportView(stored);
  }

  @Delete(':client/transports/:transport')
  @HttpCode(204)
  @RequiresScope('admin')
  @ApiOperation({ summary: "Remove the options; the transport's option file applies again" })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'CLIENT_OPTIONS_NOT_SET', 'VERSION_CHANGED')
  async remove(@Param() key: ClientTransportPath, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    const expected = expectedBy(ifMatch);
    const isRemoved = await this.changes.make({ scope: 'server' }, () => this.store.remove(key, expected));
    if (!isRemoved) throw notSet(key);
  }

  private async stored(key: ClientTransportKey): Promise<ClientTransport> {
    const stored = await this.store.get(key);
    if (stored === undefined) throw notSet(key);
    return stored;
  }
}

function notSet({ client, transport }: ClientTransportKey): RequestError {
  const sentence = `No options are set through this API for client ${client} and ${transport}.`;
  return new RequestError('CLIENT_OPTIONS_NOT_SET', sentence);
}
