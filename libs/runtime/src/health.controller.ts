import { Controller, Get, Header, Res } from '@nestjs/common';
import { Health, type HealthReport } from './health';
import { metrics } from './metrics';

/** The part of Fastify's reply that this controller uses. */
interface Reply {
  status(code: number): unknown;
}

/** Serves liveness, readiness and metrics in every app that listens. */
@Controller()
export class HealthController {
  constructor(private readonly health: Health) {}

  @Get('health/live')
  live(): { status: string } {
    return { status: 'ok' };
  }

  @Get('health/ready')
  async ready(@Res({ passthrough: true }) reply: Reply): Promise<Omit<HealthReport, 'ready'> & { status: string }> {
    const { ready, ...report } = await this.health.report();
    reply.status(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'unavailable', ...report };
  }

  @Get('metrics')
  @Header('content-type', metrics.contentType)
  metrics(): Promise<string> {
    return metrics.metrics();
  }
}
