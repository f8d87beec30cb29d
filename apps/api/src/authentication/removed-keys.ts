import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Queues } from '@pns/queue';
import { publish, subscriberOf, type Subscriber } from '@pns/redis';
import { log, RecurringFault } from '@pns/runtime';

/** Tells every API process at once that a key was removed. */
@Injectable()
export class RemovedKeys implements OnModuleInit, OnApplicationShutdown {
  /** Whether removals would be heard of now; what was remembered before a silence is forgotten after it. */
  isListening = false;
  /** Grows with every change. */
  generation = 0;

  private readonly channel: string;
  private readonly listeners: ((id: string | undefined) => void)[] = [];
  private readonly listenFault = new RecurringFault('api-key.removals-unheard', 'api-key.removals-heard');
  private subscriber: Subscriber | undefined;

  constructor(private readonly queues: Queues) {
    this.channel = queues.keys.global('api-keys:removed');
  }

  /** Calls `listener` with the id of each removed key, and without one when any key may have been removed. */
  onChange(listener: (id: string | undefined) => void): void {
    this.listeners.push(listener);
  }

  /** Whoever does not hear it forgets what it remembers within a minute. */
  async announce(id: string): Promise<void> {
    this.tell(id);
    try {
      await publish(this.queues.redis, this.channel, id);
    } catch (error) {
      log.warn({ event: 'api-key.removal-not-announced', apiKey: id, reason: (error as Error).message });
    }
  }

  onModuleInit(): void {
    const subscriber = subscriberOf(this.queues.redis, this.channel);
    subscriber.on('close', () => (this.isListening = false));
    subscriber.on('ready', () => void this.listen(subscriber));
    subscriber.on('message', (_channel, id) => this.tell(id));
    this.subscriber = subscriber;
  }

  onApplicationShutdown(): void {
    this.subscriber?.disconnect();
  }

  private async listen(subscriber: Subscriber): Promise<void> {
    try {
      await subscriber.listen();
      this.tell(undefined);
      this.isListening = true;
      this.listenFault.isOver();
    } catch (error) {
      this.listenFault.occurred(error);
      if (subscriber.status === 'ready') subscriber.disconnect(true); // and so starts over
    }
  }

  private tell(id: string | undefined): void {
    this.generation++;
    for (const listener of this.listeners) listener(id);
  }
}
