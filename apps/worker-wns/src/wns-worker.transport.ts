import type { OnApplicationShutdown } from '@nestjs/common';
import { WnsTransport } from '@pns/transport-wns';

/** The transport as a worker runs it: closed when the worker has ended. */
export class WnsWorkerTransport extends WnsTransport implements OnApplicationShutdown {
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}
