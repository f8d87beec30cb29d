import type { PropertyName, PropertyValue } from '@pns/config-cascade';
import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { PushKeys } from '@pns/subscriptions';
import type { Delivery, Transport, TransportName } from '@pns/transport-contract';
import type { z } from 'zod';

/** The functions that a worker provides to its transport. */
interface TransportParts<Options> {
  /** Returns the current options of a client: the same object until they change. The transport calls it for each delivery. */
  readonly options: (client: string) => Options | undefined;
  /** The text, sound and badge of a push, or the reason why the push has none. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /** A function that decrypts a subscription's meta; undefined when the subscription was deleted. Rejects while Postgres is away. */
  readonly metaOf: (subscriptionId: string) => Promise<(() => object | undefined) | undefined>;
  /** A function that decrypts a subscription's keys; undefined when the subscription was deleted. Rejects while Postgres is away. */
  readonly keysOf: (subscriptionId: string) => Promise<(() => PushKeys | undefined) | undefined>;
  /** The transport's pair of keys for all processes; the first call stores a pair of `make`. Rejects while Postgres is away. */
  readonly serverKeys: <Pair>(make: () => Pair) => Promise<Pair>;
  /** The current value of a property in the scope of the server. */
  readonly property: <Name extends PropertyName>(name: Name) => PropertyValue<Name>;
}

/** A worker app: its transport, and the option file of the transport's clients. */
export interface TransportWorker<Options> {
  /** The name of the app is `worker-<transport>`. */
  readonly transport: TransportName;
  /** The script of the app's process. It calls `runTransportWorker`. */
  readonly entry: string;
  /** The path of the option file, relative to the configuration folder. */
  readonly optionFile: string;
  /** The schema of the whole option file. */
  readonly optionsFileFor: (
    nodeEnv: string,
    readFile: (path: string) => Buffer,
  ) => z.ZodType<Readonly<Record<string, Options>>>;
  /** The schema of one client's options as set over the API. */
  readonly clientOptions: z.ZodType<Options>;
  /** Creates the transport from `parts`. The transport uses nothing else of the process. */
  readonly create: (parts: TransportParts<Options>) => Transport;
}
