import { Global, Module } from '@nestjs/common';
import { Queues } from '@pns/queue';
import { Mailboxes } from './mailbox/mailboxes';
import { SocketForwarding } from './mailbox/socket-forwarding';
import { SocketNodes } from './registry/socket-nodes';
import { SocketRegistry } from './registry/socket-registry';

/** Gives an app the registry and the mailboxes of sockets. It needs `QueueModule` and `ConfigCascadeModule`. */
@Global()
@Module({
  providers: [
    { provide: SocketNodes, inject: [Queues], useFactory: ({ redis, keys }: Queues) => new SocketNodes(redis, keys) },
    {
      provide: SocketRegistry,
      inject: [Queues, SocketNodes],
      useFactory: ({ redis, keys }: Queues, nodes: SocketNodes) => new SocketRegistry(redis, keys, nodes),
    },
    {
      provide: Mailboxes,
      inject: [Queues, SocketNodes],
      useFactory: ({ redis, keys }: Queues, nodes: SocketNodes) => new Mailboxes(redis, keys, nodes),
    },
    SocketForwarding,
  ],
  exports: [SocketRegistry, Mailboxes, SocketForwarding, SocketNodes],
})
export class SocketsModule {}
