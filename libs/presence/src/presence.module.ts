import { Global, Module } from '@nestjs/common';
import { Queues } from '@pns/queue';
import { Mailboxes } from './mailboxes';
import { SocketNodes } from './nodes';
import { Presence } from './presence';

/** Gives an app presence and mailboxes of sockets. It needs `QueueModule`. */
@Global()
@Module({
  providers: [
    { provide: SocketNodes, inject: [Queues], useFactory: ({ redis, keys }: Queues) => new SocketNodes(redis, keys) },
    {
      provide: Presence,
      inject: [Queues, SocketNodes],
      useFactory: ({ redis, keys }: Queues, nodes: SocketNodes) => new Presence(redis, keys, nodes),
    },
    {
      provide: Mailboxes,
      inject: [Queues, SocketNodes],
      useFactory: ({ redis, keys }: Queues, nodes: SocketNodes) => new Mailboxes(redis, keys, nodes),
    },
  ],
  exports: [Presence, Mailboxes, SocketNodes],
})
export class PresenceModule {}
