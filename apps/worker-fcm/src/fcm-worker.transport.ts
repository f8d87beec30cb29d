import type { OnApplicationShutdown } from '@nestjs/common';
import { FcmTransport } from '@pns/transport-fcm';

/** The transport as a worker runs it: closed when the worker has ended. */
export class FcmWorkerTransport extends FcmTransport implements OnApplicationShutdown {
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}
