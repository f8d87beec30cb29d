import { Injectable } from '@nestjs/common';
import type { Registration } from '@pns/persistence';
import { normalKey, webpushToken } from '@pns/transport-webpush';
import { ClientAccounts } from '../clients/client-accounts';
import { WebpushKeys } from '../clients/webpush-keys';
import { RequestError } from '../http/request-error';
import type { PushSubscription } from './push-subscription';

/** The request of a browser for a Web Push subscription. */
export interface PushRequest {
  readonly client: string;
  readonly token?: string | undefined;
  readonly pushSubscription?: PushSubscription | undefined;
  /** The requested expiry, in ms since the epoch. */
  readonly expiresAt?: number | undefined;
}

/** The values of a registration that was granted. */
type PushGrant = Required<Pick<Registration, 'token' | 'keys'>> & { readonly expiresAt?: number };

/** Checks the subscriptions of browsers. */
@Injectable()
export class PushGate {
  constructor(
    private readonly keys: WebpushKeys,
    private readonly accounts: ClientAccounts,
  ) {}

  /** The values to register for a request. @throws RequestError `BODY_INVALID` or `TOKEN_INVALID`. */
  async grant({ client, token, pushSubscription, expiresAt }: PushRequest): Promise<PushGrant> {
    if (pushSubscription === undefined) throw invalid('pushSubscription', 'is missing');
    const endpoint = this.endpointOf(client, pushSubscription.endpoint);
    if (token !== undefined && webpushToken.normalToken(token) !== endpoint) {
      throw invalid('token', 'must be absent, or the endpoint of pushSubscription');
    }
    const { keys, expirationTime, applicationServerKey: given } = pushSubscription;
    const named = given === undefined ? undefined : normalKey(given);
    if (named !== undefined && !(await this.keys.isKeyOf(client, named))) {
      throw invalid('pushSubscription.applicationServerKey', `is not a VAPID key of the client ${client}`);
    }
    const earliest = Math.min(expiresAt ?? Infinity, Math.floor(expirationTime ?? Infinity));
    return {
      token: endpoint,
      keys: {
        p256dh: normalKey(keys.p256dh),
        auth: normalKey(keys.auth),
        applicationServerKey: named ?? (await this.keys.publicKey(client)),
        isKeyAssumed: named === undefined,
      },
      ...(earliest === Infinity ? {} : { expiresAt: earliest }),
    };
  }

  private endpointOf(client: string, endpoint: string): string {
    const refuse = (message: string) =>
      new RequestError('TOKEN_INVALID', `pushSubscription.endpoint ${message}.`, [
        { field: 'pushSubscription.endpoint', message },
      ]);
    const problem = webpushToken.tokenProblem(endpoint);
    if (problem !== undefined) throw refuse(problem);
    const normal = webpushToken.normalToken(endpoint);
    if (this.accounts.webpush(client).httpsOnly && !normal.startsWith('https:')) throw refuse('must use https');
    return normal;
  }
}

function invalid(field: string, message: string): RequestError {
  return new RequestError('BODY_INVALID', `${field} ${message}.`, [{ field, message }]);
}
