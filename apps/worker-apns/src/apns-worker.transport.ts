import type { OnApplicationShutdown } from '@nestjs/common';
import { ApnsTransport } from '@pns/transport-apns';

/** The transport as a worker runs it: closed when the worker has ended. */
export class ApnsWorkerTransport extends ApnsTransport implements OnApplicationShutdown {
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}
