import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { DeliveryModule, type QueueRef, awayNode } from '@pns/delivery';
import { OutcomesModule } from '@pns/outcomes';
import { PersistenceModule } from '@pns/persistence';
import { PresenceModule } from './sockets.module';
import { socketNodeGroup, QueueModule, socketNodeQueue, type KeySpace } from '@pns/queue';
import { RuntimeModule, sessionKeyOf, type Environment } from '@pns/runtime';
import { SessionsModule } from '@pns/sessions';
import { LocalSockets } from './emit/local-sockets';
import { WebsocketTransport } from './emit/websocket.transport';
import { AwayTransport } from './mailbox/parked.transport';
import { ClientAddresses } from './admission/client-address';
import { CatchUp } from './mailbox/catch-up';
import { Door } from './admission/upgrade-admission';
import { NodeId } from './registry/node-id';
import { NodeKeeper } from './registry/node-heartbeat';
import { Orphanage } from './mailbox/dead-node-take-over';
import { Reception } from './admission/socket-admission';
import { SessionGuard } from './admission/session-guard';
import { TakeOvers } from './mailbox/connection-take-over';
import { SocketGateway } from './admission/socket.gateway';
import { UnauthenticatedConnections } from './admission/unauthenticated-connections';

/** Jobs worked on at once. Emitting is this process' own work, so a few are enough to hide the way to Redis and back. */
const concurrency = 10;

export interface WorkerWebsocketOptions {
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
  /** What the keys in Redis begin with. */
  readonly prefix?: string;
}

@Module({})
export class WorkerWebsocketModule {
  static forRoot({ env, prefix }: WorkerWebsocketOptions): DynamicModule {
    const node = new NodeId();
    const redis = { redisUrl: env.REDIS_URL, shards: env.PNS_SHARDS, ...(prefix === undefined ? {} : { prefix }) };
    const held = holding(node);
    return {
      module: WorkerWebsocketModule,
      imports: [
        RuntimeModule,
        QueueModule.forRoot(redis),
        ConfigCascadeModule.forRoot({ configDir: env.PNS_CONFIG_DIR }),
        PersistenceModule.forRoot({ databaseUrl: env.DATABASE_URL }),
        PresenceModule,
        OutcomesModule,
        SessionsModule.forRoot({ redisUrl: env.REDIS_URL, key: sessionKeyOf(env) }),
        held,
        DeliveryModule.forTransport({
          name: 'websocket',
          concurrency,
          isOrdered: true,
          imports: [held],
          inject: [LocalSockets, AwayTransport],
          useFactory: (locals: LocalSockets, away: AwayTransport) =>
            new WebsocketTransport(locals, (delivery, isBeside) => away.handOn(delivery, isBeside)),
          sources: (keys) => [nodeQueue(keys, node.id)],
        }),
        DeliveryModule.forTransport({
          name: 'websocket',
          concurrency,
          isOrdered: true,
          imports: [held],
          inject: [AwayTransport],
          useFactory: (away: AwayTransport) => away,
          sources: (keys) => [nodeQueue(keys, awayNode)],
        }),
      ],
      providers: [
        { provide: ClientAddresses, useValue: new ClientAddresses(env.PNS_TRUSTED_PROXIES) },
        UnauthenticatedConnections,
        Reception,
        CatchUp,
        TakeOvers,
        Door,
        SessionGuard,
        Orphanage,
        NodeKeeper,
        SocketGateway,
      ],
    };
  }
}

@Module({})
class HeldSocketsModule {}

/** What the transports and the sockets' side of the app share. */
function holding(node: NodeId): DynamicModule {
  return {
    module: HeldSocketsModule,
    providers: [{ provide: NodeId, useValue: node }, LocalSockets, AwayTransport],
    exports: [NodeId, LocalSockets, AwayTransport],
  };
}

function nodeQueue(keys: KeySpace, node: string): QueueRef {
  return { group: socketNodeGroup(keys), name: socketNodeQueue(node) };
}
