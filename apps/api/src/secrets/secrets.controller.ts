import { Controller, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { SecretRotation } from '@pns/persistence';
import { log } from '@pns/runtime';
import { RequiresScope } from '../authentication/requires-scope';
import { ApiProblems } from '../http/api-problems';
import { RotationAnswer, RotationQuery } from './secrets.dto';

/** Maximum number of secrets that one request encrypts. The request takes about 100 ms, and locks their rows in this time. */
const secretsPerRequest = 1000;

@ApiTags('Secrets')
@Controller('v1/secrets')
export class SecretsController {
  constructor(private readonly rotation: SecretRotation) {}

  @Post('rotate')
  @HttpCode(200)
  @RequiresScope('admin')
  @ApiOperation({
    summary: 'Encrypt secrets again with the first key of PNS_ENCRYPTION_KEY',
    description: `Encrypts up to ${secretsPerRequest} secrets. Repeat the request with \`nextCursor\` until an answer has none. All apps may run meanwhile; a rotation that was interrupted may start again. Before it, all apps must have both keys, the new one first.`,
  })
  @ApiOkResponse({ type: RotationAnswer })
  @ApiProblems('QUERY_INVALID', 'CURSOR_INVALID', 'ENCRYPTION_KEY_MISSING')
  async rotate(@Query() { cursor }: RotationQuery): Promise<RotationAnswer> {
    const { rotated, unreadable, nextCursor } = await this.rotation.step(cursor, secretsPerRequest);
    if (rotated > 0 || unreadable.length > 0) {
      log.info({ event: 'secrets.rotated', rotated, unreadable: unreadable.length });
    }
    const done = { rotated, unreadable: [...unreadable] };
    return nextCursor === undefined ? { ...done, remaining: await this.rotation.remaining() } : { ...done, nextCursor };
  }
}
