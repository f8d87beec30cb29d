import type { TransportName } from './transport-name';

interface TransportTraits {
  /** Targets are registered as subscriptions. An open socket is its own subscription. */
  readonly isRegistered: boolean;
  /** The operator configures which URIs a client's targets may have; the worker reads `meta` and the user's e-mail address. */
  readonly hasConfiguredUri: boolean;
  /** A subscription has keys of a browser, with which the worker encrypts. */
  readonly hasPushKeys: boolean;
  /** A token is the URI of a server that users choose. One server may fail for days while other servers work. */
  readonly hasEndpoints: boolean;
}

const device: TransportTraits = {
  isRegistered: true,
  hasConfiguredUri: false,
  hasPushKeys: false,
  hasEndpoints: false,
};

const traits: Readonly<Record<TransportName, TransportTraits>> = {
  websocket: { ...device, isRegistered: false },
  webhook: { ...device, hasConfiguredUri: true, hasEndpoints: true },
  apns: device,
  fcm: device,
  wns: device,
  webpush: { ...device, hasPushKeys: true, hasEndpoints: true },
};

/** The traits by name, for any string, because a row may name a transport that only a newer version knows. */
const traitsByName: ReadonlyMap<string, TransportTraits> = new Map(Object.entries(traits));

/** The traits of `transport`. The stages and the API know no other differences between transports. */
function traitsOf(transport: TransportName): TransportTraits {
  return traitsByName.get(transport) ?? device;
}

/** A transport whose targets are registered as subscriptions. */
export type RegisteredTransport = Exclude<TransportName, 'websocket'>;
type ConfiguredTransport = Extract<TransportName, 'webhook'>;

/** Whether targets of `transport` are registered as subscriptions. */
export function isRegistered(transport: TransportName): transport is RegisteredTransport {
  return traitsOf(transport).isRegistered;
}

/** Whether the operator configures the URIs that targets of `transport` may have. */
export function hasConfiguredUri(transport: TransportName): transport is ConfiguredTransport {
  return traitsOf(transport).hasConfiguredUri;
}

/** Whether subscriptions of `transport` have keys of a browser. */
export function hasPushKeys(transport: TransportName): transport is Extract<TransportName, 'webpush'> {
  return traitsOf(transport).hasPushKeys;
}

/** Whether a token of `transport` is the URI of a server that users choose, which is switched off when it fails for days. */
export function hasEndpoints(transport: TransportName): boolean {
  return traitsOf(transport).hasEndpoints;
}
