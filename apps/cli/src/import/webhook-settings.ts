import type { Standing } from './report';

/** Options that every entry of webhooks.yml gets, because the original sets them for all webhooks. */
export interface WebhookSettings {
  httpsOnly?: boolean;
  allowedNetworks?: readonly string[];
  timeoutMillis?: number;
  maxConnections?: number;
}

/**
 * The networks that the original calls local, except link-local networks, because clouds serve credentials of the machine at a
 * link-local address.
 */
const localNetworks = ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '::1/128'] as const;

interface Taken {
  readonly standing: Standing;
  readonly reason: string;
}

const prefix = 'com.openexchange.pns.transport.webhooks.';

/** Adds a property that the original has for all webhooks to `settings`. */
export function takenAsWebhookSetting(
  name: string,
  value: string,
  hasWebhooks: boolean,
  settings: WebhookSettings,
): Taken {
  const text = value.trim();
  const taken = (setting: WebhookSettings, shown: string, remark = ''): Taken => {
    Object.assign(settings, setting);
    return hasWebhooks
      ? { standing: 'renamed', reason: `is written to each entry of webhooks.yml as ${shown}${remark}` }
      : { standing: 'not-needed', reason: 'is not needed: there is no webhook' };
  };
  switch (name.slice(prefix.length)) {
    case 'httpsOnly': {
      const isOnly = booleanOf(text);
      if (isOnly === undefined) return notBoolean;
      return isOnly ? isDefault : taken({ httpsOnly: false }, 'httpsOnly: false');
    }
    case 'allowLocalWebhooks': {
      const isAllowed = booleanOf(text);
      if (isAllowed === undefined) return notBoolean;
      return isAllowed
        ? taken({ allowedNetworks: localNetworks }, 'allowedNetworks', '; narrow it to the networks of your webhooks')
        : isDefault;
    }
    case 'allowTrustAll': {
      const isTrusting = booleanOf(text);
      if (isTrusting === undefined) return notBoolean;
      return isTrusting
        ? {
            standing: 'by-hand',
            reason: 'has no counterpart: name the certificate to trust in caFile of each webhook that needs it',
          }
        : isDefault;
    }
    case 'http.maxConnectionsPerHost':
      return number(text, 1, 1000, (maxConnections) => taken({ maxConnections }, 'maxConnections'));
    case 'http.socketReadTimeout':
      return number(text, 100, 120_000, (timeoutMillis) => taken({ timeoutMillis }, 'timeoutMillis'));
    case 'http.maxConnections':
      return { standing: 'not-needed', reason: 'is not needed: maxConnections of a webhook limits each endpoint' };
    default:
      return { standing: 'not-needed', reason: 'is not needed: timeoutMillis of a webhook limits the whole request' };
  }
}

const isDefault: Taken = { standing: 'not-needed', reason: 'is not needed: it is the default of each webhook' };
const notBoolean: Taken = { standing: 'wrong', reason: 'must be true or false' };

function booleanOf(text: string): boolean | undefined {
  return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined;
}

function number(text: string, min: number, max: number, taken: (value: number) => Taken): Taken {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    return { standing: 'wrong', reason: `must be a whole number from ${min} to ${max}` };
  return taken(value);
}
