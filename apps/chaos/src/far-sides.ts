import type { Providers } from '@pns/sandbox';
import type { System } from '@pns/e2e';
import type { FaultKind } from './plans';

/** The faults that a far side can have. */
type FarSideFault = Extract<FaultKind, 'hang' | 'reset' | 'throttle' | 'refuse'>;

/** The name of the webhook that every user has. */
export const webhookName = 'chaos';

const retryAfterSeconds = 2;
/** Time limit of a request to the sandbox, in ms. Usually the sandbox answers at once. */
const answerWithinMs = 60_000;
const headers = { 'retry-after': String(retryAfterSeconds) };

const hang = { hang: true } as const;
const reset = { reset: true } as const;

/** The behaviour of each far side during each fault. `refuse`: it refuses credentials, which must never delete a subscription. */
const faults = {
  webhook: { hang, reset, throttle: { status: 429, headers }, refuse: { status: 401 } },
  apns: {
    ...{ hang, reset },
    throttle: { status: 429, reason: 'TooManyRequests', retryAfterSeconds },
    refuse: { status: 403, reason: 'InvalidProviderToken' },
  },
  fcm: { hang, reset, throttle: { error: 'QUOTA_EXCEEDED', headers }, refuse: { error: 'THIRD_PARTY_AUTH_ERROR' } },
  wns: { hang, reset, throttle: { status: 406, headers }, refuse: { status: 403 } },
  webpush: { hang, reset, throttle: { status: 429, headers }, refuse: { status: 403 } },
} as const;

export type FarSide = keyof typeof faults;

/** Sets a fault of a far side until `heal` is called. */
export async function disturb(system: System, farSide: FarSide, fault: FarSideFault): Promise<void> {
  if (farSide === 'webhook') await setWebhookFault(system, faults.webhook[fault]);
  else if (farSide === 'apns') providersOf(system).apns.faults.set(faults.apns[fault]);
  else if (farSide === 'fcm') providersOf(system).fcm.faults.set(faults.fcm[fault]);
  else if (farSide === 'wns') providersOf(system).wns.faults.set(faults.wns[fault]);
  else providersOf(system).webpush.faults.set(faults.webpush[fault]);
}

export async function heal(system: System, farSide: FarSide): Promise<void> {
  if (farSide === 'webhook') await setWebhookFault(system, {});
  else providersOf(system)[farSide].faults.set({});
}

export function providersOf({ sandbox }: System): Providers {
  if (sandbox.providers === undefined) throw new Error('The sandbox plays no providers.');
  return sandbox.providers;
}

async function setWebhookFault({ sandbox }: System, fault: object): Promise<void> {
  const answer = await fetch(`${sandbox.url}/webhooks/${webhookName}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
    signal: AbortSignal.timeout(answerWithinMs),
  });
  if (!answer.ok) throw new Error(`The sandbox answered ${answer.status} to a fault.`);
}
