import { Global, Module } from '@nestjs/common';
import { Health } from './health';
import { HealthController } from './health.controller';

/** What every app has: health and metrics. */
@Global()
@Module({ controllers: [HealthController], providers: [Health], exports: [Health] })
export class RuntimeModule {}
