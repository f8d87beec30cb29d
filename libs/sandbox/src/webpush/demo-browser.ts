import type { Authority } from '../certificates';
import { type ApiAccess, call, forgetOtherTargets, someone } from '../demo';
import type { Providers } from '../providers';
import type { PushSubscriptionJson, WebpushProvider } from './webpush-provider';

const client = 'demo-browser';
/** The page that a click opens. PNS replaces the placeholders. */
const navigate = 'https://mail.example.com/#folder={{folder}}&id={{id}}';

/** A contact, because push services may refuse senders without one. */
export const demoSubject = 'mailto:demo@example.com';

/** The networks in which PNS may reach the sandbox, including the private addresses of containers. */
const allowedNetworks = ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

/** The options with which PNS reaches the push service of the sandbox. */
export function sandboxOptions(authority: Authority) {
  return { subject: demoSubject, allowedNetworks, caFile: authority.cert };
}

/** A browser in the sandbox in which the user of the demonstration subscribes. */
export class DemoBrowser {
  private readonly service: WebpushProvider;
  private readonly options: object;
  private subscribed: { readonly key: string; readonly pushSubscription: PushSubscriptionJson } | undefined;

  constructor({ webpush, authority }: Providers) {
    this.service = webpush;
    this.options = sandboxOptions(authority);
  }

  /** Subscribes the user and deletes subscriptions from an earlier start. Safe to repeat. */
  async prepare(api: ApiAccess): Promise<void> {
    await call(api, 'PUT', `/v1/clients/${client}/transports/webpush`, this.options);
    await setNavigate(api, client, navigate);
    const answer = await call(api, 'GET', `/v1/clients/${client}/webpush-key`);
    const pushSubscription = this.subscription((answer as { applicationServerKey: string }).applicationServerKey);
    await forgetOtherTargets(api, client, pushSubscription.endpoint);
    const registration = { ...someone, client, transport: 'webpush', topics: ['*'], pushSubscription };
    await call(api, 'POST', '/v1/subscriptions', registration);
  }

  /** The subscription for a key. Creates a new subscription only if the key has changed. */
  private subscription(key: string): PushSubscriptionJson {
    if (this.subscribed?.key !== key) this.subscribed = { key, pushSubscription: this.service.subscribe(key) };
    return this.subscribed.pushSubscription;
  }
}

/** Sets the page that a click on a notification of a client opens. */
export async function setNavigate(api: ApiAccess, name: string, value: string): Promise<void> {
  const property = `com.openexchange.pns.template.navigate.${name}`;
  await call(api, 'PUT', `/v1/config/contexts/${someone.context}/properties/${property}`, { value });
}
