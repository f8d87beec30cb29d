import { Body, Controller, Delete, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { SessionTokens } from '@pns/sessions';
import type { FastifyRequest } from 'fastify';
import { contextError } from '../authentication/context-access';
import { Requires } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { IssuedSession, NewSession, SessionPath } from './sessions.dto';

@ApiTags('Sessions')
@Controller('v1/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionTokens) {}

  @Post()
  @Requires(['client', 'admin'], { contextIn: 'body' })
  @ApiOperation({ summary: "Issue a session token: a user's client needs it to open sockets" })
  @ApiCreatedResponse({ type: IssuedSession })
  @ApiProblems('BODY_MALFORMED', 'BODY_MISSING', 'BODY_INVALID', 'MEDIA_TYPE_UNSUPPORTED', 'SESSION_ISSUED_ELSEWHERE')
  async issue(@Body() request: NewSession): Promise<IssuedSession> {
    const { id, token, expiresAt } = await this.sessions.issue(request);
    return { id, token, expiresAt };
  }

  @Delete(':id')
  @HttpCode(204)
  @Requires(['client', 'admin'], { contextIn: 'handler' })
  @ApiOperation({ summary: 'End a session and close its sockets; a repeat is harmless' })
  @ApiNoContentResponse()
  @ApiProblems('PATH_INVALID', 'REDIS_UNREACHABLE')
  async end(@Param() { id }: SessionPath, @Req() request: FastifyRequest): Promise<void> {
    const contexts = request.caller?.contexts;
    // A restricted key cannot end a session of an identity provider, because the id does not show the context.
    if (contexts?.some((context) => this.sessions.isOf(context, id)) === false) throw contextError(contexts);
    await this.sessions.end(id);
  }
}
