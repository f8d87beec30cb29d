import type { TransportName } from './transport-name';

interface TransportTraits {
  /** Whether targets are registered as subscriptions. An open socket needs no registration. */
  readonly isRegistered: boolean;
  /** Whether the operator configures the URIs of targets. If so, the worker gets the user's e-mail address and reads `meta`. */
  readonly hasConfiguredUri: boolean;
  /** Whether a subscription has keys of a browser, with which the worker encrypts each push. */
  readonly hasPushKeys: boolean;
  /** Whether a token is the URI of a server that users choose. One such server may fail for days while other servers work. */
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

/** The traits by name. The key is any string, because a row may contain a transport that only a newer version has. */
const traitsByName: ReadonlyMap<string, TransportTraits> = new Map(Object.entries(traits));

/** The traits of `transport`; of a device if it is unknown. The stages and the API use no other difference of transports. */
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

/** Whether a token of `transport` is the URI of a server that users choose. Such a URI is switched off when it fails for days. */
export function hasEndpoints(transport: TransportName): boolean {
  return traitsOf(transport).hasEndpoints;
}
