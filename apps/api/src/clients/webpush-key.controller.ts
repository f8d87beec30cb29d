import { Controller, Get, HttpCode, Options, Param, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExcludeEndpoint, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { client } from '../http/fields';
import { ClientAccounts } from './client-accounts';
import { WebpushKeys } from './webpush-keys';

class ClientPath extends createZodDto(z.object({ client })) {}

export class WebpushKeyView extends createZodDto(
  z.object({
    applicationServerKey: z
      .string()
      .describe('The public VAPID key in base64url, for `pushManager.subscribe({ applicationServerKey })`.'),
  }),
) {}

/** How long a browser keeps the answer to a preflight request. */
const preflightSeconds = 3600;

@ApiTags('Clients')
@Controller('v1/clients')
export class WebpushKeyController {
  constructor(
    private readonly keys: WebpushKeys,
    private readonly accounts: ClientAccounts,
  ) {}

  @Get(':client/webpush-key')
  @Requires(['client', 'admin'], { contextIn: 'none', alsoTakesSessions: true })
  @ApiOperation({
    summary: 'Read the public key with which browsers subscribe to Web Push for a client',
    description:
      'Takes an API key or a session token. Pages of other origins may read the answer if the `origins` of the client contain theirs, or if the client has no `origins`.',
  })
  @ApiQuery({ name: 'session', type: String, required: false, description: 'A session token instead of an API key.' })
  @ApiOkResponse({ type: WebpushKeyView, description: 'The current key of the client.' })
  @ApiProblems('PATH_INVALID', 'SESSION_INVALID', 'SESSION_ENDED', 'ENCRYPTION_KEY_MISSING', 'SECRET_UNREADABLE')
  async get(
    @Param() { client: name }: ClientPath,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebpushKeyView> {
    this.allowOrigin(name, request, reply);
    return { applicationServerKey: await this.keys.publicKey(name) };
  }

  @Options(':client/webpush-key')
  @HttpCode(204)
  @RouteConfig({ isOpen: true })
  @ApiExcludeEndpoint()
  preflight(
    @Param() { client: name }: ClientPath,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): void {
    this.allowOrigin(name, request, reply);
    void reply.headers({
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': 'authorization',
      'access-control-max-age': String(preflightSeconds),
    });
  }

  /** Source: Fetch Standard, "CORS protocol". Credentials of the browser are not allowed, so any origin is harmless. */
  private allowOrigin(name: string, { headers: { origin } }: FastifyRequest, reply: FastifyReply): void {
    const { origins } = this.accounts.webpush(name);
    void reply.header('vary', 'origin');
    if (origins === undefined) void reply.header('access-control-allow-origin', '*');
    else if (origin !== undefined && origins.includes(origin)) void reply.header('access-control-allow-origin', origin);
  }
}
