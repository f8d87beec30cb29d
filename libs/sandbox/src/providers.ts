import type { FastifyInstance } from 'fastify';
import { apnsRoutes } from './apns/apns.routes';
import { apnsProvider, type ApnsProvider, startApns } from './apns/apns-provider';
import type { Arrivals } from './arrivals';
import { type Authority, makeAuthority } from './certificates';
import { fcmRoutes } from './fcm/fcm.routes';
import { fcmProvider, type FcmProvider, startFcm } from './fcm/fcm-provider';
import type { TargetState } from './feed';
import { webpushRoutes } from './webpush/webpush.routes';
import { startWebpush, webpushProvider, type WebpushProvider } from './webpush/webpush-provider';
import { wnsRoutes } from './wns/wns.routes';
import { startWns, wnsProvider, type WnsProvider } from './wns/wns-provider';

/** The simulated Apple, Google and Microsoft, and the push service of browsers. Their senders must trust `authority`. */
export interface Providers {
  readonly authority: Authority;
  readonly apns: ApnsProvider;
  readonly fcm: FcmProvider;
  readonly wns: WnsProvider;
  readonly webpush: WebpushProvider;
}

/** Starts all providers on free ports. Their URLs and certificates contain `hostname`. */
export async function startProviders(host: string, hostname: string, arrivals: Arrivals): Promise<Providers> {
  const authority = makeAuthority(hostname);
  const options = { host, port: 0, authority, arrivals };
  const [apns, fcm, wns, webpush] = await Promise.all([
    startApns(options),
    startFcm(options),
    startWns(options),
    startWebpush(options),
  ]);
  return { authority, apns, fcm, wns, webpush };
}

/** Routes for tests and the page: arrivals and faults of the providers. */
export function providerRoutes(app: FastifyInstance, providers: Providers, arrivals: Arrivals): void {
  const { apns, fcm, wns, webpush } = providers;
  apnsRoutes(app, apns, arrivals);
  fcmRoutes(app, fcm, arrivals);
  wnsRoutes(app, wns, arrivals);
  webpushRoutes(app, webpush, arrivals);
}

/** The counts of each provider, summed over its devices, because benchmarks may use many devices. */
export function providerTargets({ apns, fcm, wns, webpush }: Providers): TargetState[] {
  return [
    targetOf(apnsProvider, apns.targets(), apns.faults.current),
    targetOf(fcmProvider, fcm.targets(), fcm.faults.current),
    targetOf(wnsProvider, wns.targets(), wns.faults.current),
    targetOf(webpushProvider, webpush.targets(), webpush.faults.current),
  ];
}

/** The summed counts of a provider's devices, and its fault: the first fault of a device, or else the fault of all devices. */
function targetOf(provider: string, devices: readonly TargetState[], ofAll: object): TargetState {
  const sum = (count: 'total' | 'accepted' | 'duplicates') => devices.reduce((all, device) => all + device[count], 0);
  const ofDevice = devices.find(({ fault }) => Object.keys(fault).length > 0)?.fault;
  return {
    provider,
    target: '',
    total: sum('total'),
    accepted: sum('accepted'),
    duplicates: sum('duplicates'),
    fault: ofDevice ?? ofAll,
  };
}

export async function closeProviders({ apns, fcm, wns, webpush }: Providers): Promise<void> {
  await Promise.all([apns.close(), fcm.close(), wns.close(), webpush.close()]);
}
