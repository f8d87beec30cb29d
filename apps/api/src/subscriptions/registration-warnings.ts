import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import type { Subscription } from '@pns/subscriptions';
import { ClientAccounts } from '../clients/client-accounts';

/** Why an accepted subscription receives no notifications, or not all of its topics. */
interface RegistrationWarning {
  readonly code: string;
  readonly detail: string;
}

/** Finds the reasons why a new subscription receives no pushes. Only the answer to the registration contains them. */
@Injectable()
export class RegistrationWarnings {
  constructor(
    private readonly cascade: ConfigCascade,
    private readonly accounts: ClientAccounts,
  ) {}

  /** The warnings for the current configuration. The user must be loaded in the cascade. */
  of({ context, user, client, transport, topics }: Subscription): RegistrationWarning[] {
    const account = this.accounts.problemOf(transport, client);
    const off = topics.filter(
      (pattern) => !this.cascade.isEnabledForSome(transport, { context, user, client, pattern }),
    );
    return [
      ...(account === undefined ? [] : [account]),
      ...(off.length === 0 ? [] : [{ code: 'TRANSPORT_SWITCHED_OFF', detail: offSentence(transport, client, off) }]),
    ];
  }
}

function offSentence(transport: string, client: string, topics: readonly string[]): string {
  const named = topics.length > 5 ? `${topics.slice(0, 5).join(', ')} and others` : topics.join(', ');
  return `Nothing is sent for ${named}: ${transport} is switched off for ${client} of this user; GET /v1/config/explain shows where.`;
}
