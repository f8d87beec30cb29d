import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { DeliveryModule, nodeQueue, parkedNode } from '@pns/delivery';
import { OutcomesModule } from '@pns/outcomes';
import { PersistenceModule } from '@pns/persistence';
import { SocketsModule } from './sockets.module';
import { QueueModule } from '@pns/queue';
import { sessionKeyOf, type Environment } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import { SessionsModule } from '@pns/sessions';
import { LocalSockets } from './emit/local-sockets';
import { WebsocketClients } from './emit/websocket.clients';
import { WebsocketTransport } from './emit/websocket.transport';
import { ParkedTransport } from './mailbox/parked.transport';
import { ClientAddresses } from './admission/client-address';
import { CatchUp } from './mailbox/catch-up';
import { UpgradeAdmission } from './admission/upgrade-admission';
import { NodeId } from './registry/node-id';
import { NodeHeartbeat } from './registry/node-heartbeat';
import { DeadNodeTakeOver } from './mailbox/dead-node-take-over';
import { SocketAdmission } from './admission/socket-admission';
import { SessionGuard } from './admission/session-guard';
import { ConnectionTakeOver } from './mailbox/connection-take-over';
import { SocketGateway } from './admission/socket.gateway';
import { UnauthenticatedConnections } from './admission/unauthenticated-connections';

/** The maximum number of jobs in progress. Emitting needs no other server, so few jobs keep the node busy while Redis answers. */
const concurrency = 10;

export interface SocketNodeOptions {
  readonly env: Pick<
    Environment,
    | 'DATABASE_URL'
    | 'REDIS_URL'
    | 'PNS_SHARDS'
    | 'PNS_CONFIG_DIR'
    | 'PNS_WEBSOCKET_PORT'
    | 'PNS_TRUSTED_PROXIES'
    | 'PNS_SESSION_SECRET'
    | 'PNS_SESSION_JWKS_URL'
  >;
  /** The prefix of the keys in Redis. */
  readonly prefix?: string;
}

@Module({})
export class SocketNodeModule {
  static forRoot({ env, prefix }: SocketNodeOptions): DynamicModule {
    const node = new NodeId();
    const redis = { redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS, ...(prefix === undefined ? {} : { prefix }) };
    const held = holding(node);
    return {
      module: SocketNodeModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot(redis),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL, isOptional: true }),
        SocketsModule,
        OutcomesModule,
        SessionsModule.forRoot({ redisUrl: env.REDIS_URL, key: sessionKeyOf(env) }),
        held,
        DeliveryModule.forTransport({
          name: 'websocket',
          concurrency,
          isOrdered: true,
          readership: 'exclusive',
          imports: [held],
          inject: [LocalSockets, ParkedTransport],
          useFactory: (locals: LocalSockets, parked: ParkedTransport) =>
            new WebsocketTransport(locals, (delivery, isPartlySent) => parked.forward(delivery, isPartlySent)),
          sources: (keys) => [nodeQueue(keys, node.id)],
        }),
        DeliveryModule.forTransport({
          name: 'websocket',
          concurrency,
          isOrdered: true,
          imports: [held],
          inject: [ParkedTransport],
          useFactory: (parked: ParkedTransport) => parked,
          sources: (keys) => [nodeQueue(keys, parkedNode)],
        }),
      ],
      providers: [
        { provide: ClientAddresses, useValue: new ClientAddresses(env.PNS_TRUSTED_PROXIES) },
        UnauthenticatedConnections,
        WebsocketClients,
        SocketAdmission,
        CatchUp,
        ConnectionTakeOver,
        UpgradeAdmission,
        SessionGuard,
        DeadNodeTakeOver,
        NodeHeartbeat,
        SocketGateway,
      ],
    };
  }
}

@Module({})
class HeldSocketsModule {}

/** The providers that the transports share with the admission of sockets. */
function holding(node: NodeId): DynamicModule {
  return {
    module: HeldSocketsModule,
    providers: [{ provide: NodeId, useValue: node }, LocalSockets, ParkedTransport],
    exports: [NodeId, LocalSockets, ParkedTransport],
  };
}
