import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascadeModule } from '@pns/config-cascade';
import { OptionFiles } from '@pns/config-folder';
import { DeliveryModule, type QueueRef } from '@pns/delivery';
import { OutcomesModule } from '@pns/outcomes';
import { PersistenceModule } from '@pns/persistence';
import { awayNode, PresenceModule, socketNodeGroup } from '@pns/presence';
import { QueueModule, socketNodeQueue } from '@pns/queue';
import type { KeySpace } from '@pns/redis';
import { RuntimeModule, sessionKeyOf } from '@pns/runtime';
import { SessionsModule } from '@pns/sessions';
import { LocalSockets, WebsocketTransport } from '@pns/transport-websocket';
import { WebsocketClients } from '@pns/transport-websocket/clients';
import { AwayTransport } from './away.transport';
import { ClientAddresses } from './client-address';
import { CatchUp } from './catch-up';
import { Door } from './door';
import type { workerWebsocketEnv } from './env';
import { NodeId } from './node-id';
import { NodeKeeper } from './node-keeper';
import { Orphanage } from './orphanage';
import { Reception } from './reception';
import { SessionGuard } from './session-guard';
import { TakeOvers } from './take-overs';
import { SocketGateway } from './socket.gateway';
import { UnauthenticatedConnections } from './unauthenticated-connections';

/** Jobs worked on at once. Emitting is this process' own work, so a few are enough to hide the way to Redis and back. */
const concurrency = 10;

export interface WorkerWebsocketOptions {
  readonly env: ReturnType<typeof workerWebsocketEnv>;
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
          readership: 'exclusive',
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
        {
          provide: WebsocketClients,
          inject: [OptionFiles],
          useFactory: (files: OptionFiles) => new WebsocketClients(files),
        },
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
