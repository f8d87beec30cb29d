import { Global, Module } from '@nestjs/common';
import { Health } from './health';
import { HealthController } from './health.controller';

/** Health and metrics, for every app. */
@Global()
@Module({ controllers: [HealthController], providers: [Health], exports: [Health] })
export class RuntimeModule {}
