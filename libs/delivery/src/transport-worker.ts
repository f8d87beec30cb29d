import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { Delivery, Transport, TransportName } from '@pns/transport-contract';
import type { z } from 'zod';

/** What a worker process gives to its transport. */
export interface TransportParts<Options> {
  /** The current options of a client, the same object until something changes; asked at each delivery. */
  readonly options: (client: string) => Options | undefined;
  /** The text, sound and badge of a push, or why it can have none. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /** How to open a subscription's meta; undefined once the subscription was deleted. Rejects while Postgres is away. */
  readonly metaOf: (subscriptionId: string) => Promise<(() => object | undefined) | undefined>;
}

/** One worker app: its transport, and the option file of the transport's clients. */
export interface TransportWorker<Options> {
  /** Names the app too: `worker-<transport>`. */
  readonly transport: TransportName;
  /** The script that runs the app as a process: it calls `runTransportWorker`. */
  readonly entry: string;
  /** Below the configuration folder. */
  readonly optionFile: string;
  /** The schema of the whole option file. */
  readonly optionsFileFor: (
    nodeEnv: string,
    readFile: (path: string) => Buffer,
  ) => z.ZodType<Readonly<Record<string, Options>>>;
  /** The schema of one client's options as set over the API. */
  readonly clientOptions: z.ZodType<Options>;
  /** Makes the transport, which uses no part of the process but these. */
  readonly create: (parts: TransportParts<Options>) => Transport;
}
