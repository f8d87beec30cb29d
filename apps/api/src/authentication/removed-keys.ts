import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Queues } from '@pns/queue';
import { publish, subscriberOf, type Subscriber } from '@pns/redis';
import { log, RecurringFault } from '@pns/runtime';

/** Announces the removal of an API key to every API process at once. */
@Injectable()
export class RemovedKeys implements OnModuleInit, OnApplicationShutdown {
  /** Whether this process receives announcements now. After an interruption the listeners drop all cached keys. */
  isListening = false;
  /** Increases with every call of the listeners. */
  generation = 0;

  private readonly channel: string;
  private readonly listeners: ((id: string | undefined) => void)[] = [];
  private readonly listenFault = new RecurringFault('api-key.removals-unheard', 'api-key.removals-heard');
  private subscriber: Subscriber | undefined;

  constructor(private readonly queues: Queues) {
    this.channel = queues.keys.global('api-keys:removed');
  }

  /** Calls `listener` with the id of each removed key, and with undefined when any key may have been removed. */
  onChange(listener: (id: string | undefined) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Announces the removal to all processes. Never rejects. A process that does not receive the announcement drops the cached key
   * within a minute.
   */
  async announce(id: string): Promise<void> {
    this.notify(id);
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
    subscriber.on('message', (_channel, id) => this.notify(id));
    this.subscriber = subscriber;
  }

  onApplicationShutdown(): void {
    this.subscriber?.disconnect();
  }

  private async listen(subscriber: Subscriber): Promise<void> {
    try {
      await subscriber.listen();
      this.notify(undefined);
      this.isListening = true;
      this.listenFault.isOver();
    } catch (error) {
      this.listenFault.occurred(error);
      if (subscriber.status === 'ready') subscriber.disconnect(true); // `true` means: reconnect
    }
  }

  private notify(id: string | undefined): void {
    this.generation++;
    for (const listener of this.listeners) listener(id);
  }
}
