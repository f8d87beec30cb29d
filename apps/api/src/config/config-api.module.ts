import { Module } from '@nestjs/common';
import { WebsocketClients } from '@pns/sockets';
import { AnswersController } from './answers.controller';
import { ConfigFaultsController } from './config-faults.controller';
import { ContextPropertiesController } from './context-properties.controller';
import { ContextSetPropertiesController } from './context-set-properties.controller';
import { ContextSetsController } from './context-sets.controller';
import { FileScopes } from './file-scopes';
import { PropertyWrites } from './property-writes';
import { ServerPropertiesController } from './server-properties.controller';
import { UserPropertiesController } from './user-properties.controller';

/** The routes under `/v1/config`. */
@Module({
  controllers: [
    ServerPropertiesController,
    ContextSetPropertiesController,
    ContextPropertiesController,
    UserPropertiesController,
    ContextSetsController,
    AnswersController,
    ConfigFaultsController,
  ],
  providers: [FileScopes, PropertyWrites, WebsocketClients],
})
export class ConfigApiModule {}
