import { Controller, Get, Header, HttpCode, Options, Param } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExcludeEndpoint, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { client } from '../http/fields';
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
const preflightSeconds = '3600';

@ApiTags('Clients')
@Controller('v1/clients')
export class WebpushKeyController {
  constructor(private readonly keys: WebpushKeys) {}

  @Get(':client/webpush-key')
  @Requires(['client', 'admin'], { contextIn: 'none', alsoTakesSessions: true, allowsPages: true })
  @ApiOperation({
    summary: 'Read the public key with which browsers subscribe to Web Push for a client',
    description:
      'Takes an API key or a session token. Pages of other origins may read the answers, errors included, if the `origins` of the client contain theirs, or if the client has no `origins`.',
  })
  @ApiQuery({ name: 'session', type: String, required: false, description: 'A session token instead of an API key.' })
  @ApiOkResponse({ type: WebpushKeyView, description: 'The current key of the client.' })
  @ApiProblems('PATH_INVALID', 'SESSION_INVALID', 'SESSION_ENDED', 'ENCRYPTION_KEY_MISSING', 'SECRET_UNREADABLE')
  async get(@Param() { client: name }: ClientPath): Promise<WebpushKeyView> {
    return { applicationServerKey: await this.keys.publicKey(name) };
  }

  @Options(':client/webpush-key')
  @HttpCode(204)
  @RouteConfig({ isOpen: true, allowsPages: true })
  @ApiExcludeEndpoint()
  @Header('access-control-allow-methods', 'GET')
  @Header('access-control-allow-headers', 'authorization')
  @Header('access-control-max-age', preflightSeconds)
  preflight(): void {
    // The answer has no body. The decorators above set its headers, except the allowed origin, which a hook adds.
  }
}
