import { randomUUID } from 'node:crypto';
import type { Subscription, UserKey } from '@pns/subscriptions';
import type { EntityManager } from 'typeorm';
import { auditMask, insertAuditEntry } from './audit.store';

/** The API key and the request of a registration. */
export interface Registrant {
  readonly keyId: string;
  readonly keyName: string;
  readonly requestId: string;
}

type Held = UserKey & Pick<Subscription, 'id' | 'client' | 'transport' | 'token'>;

/** The audit actions for the two users of a take-over. */
const takeOverActions = { lost: 'subscription.lost', taken: 'subscription.taken-over' } as const;

/** Replaces the API key in the entry of another context, which must not show it. */
const elsewhere = { keyId: 'other-context', keyName: 'a key of another context' } as const;

/**
 * Records in the audit logs of both contexts that a token moved from one user to another. Neither entry contains ids of the other
 * user. Both have the same `takeOver` id, by which an operator who may read both entries can match them.
 */
export async function recordTakeOver(
  manager: EntityManager,
  lost: Held & Pick<Subscription, 'topics'>,
  taken: Held,
  registrant: Registrant = { keyId: 'system', keyName: 'system', requestId: randomUUID() },
): Promise<void> {
  const takeOver = randomUUID();
  const isWithinContext = lost.context === taken.context;
  const other = isWithinContext ? 'another user of this context' : 'a user of another context';
  const token = auditMask(lost.token);
  const { client, transport } = lost;
  await insertAuditEntry(manager, {
    ...(isWithinContext ? registrant : { ...elsewhere, requestId: takeOver }),
    ...{ action: takeOverActions.lost, resource: `/v1/subscriptions/${lost.id}` },
    ...{ context: lost.context, user: lost.user, status: 200 },
    before: { id: lost.id, client, transport, token, topics: lost.topics },
    after: { takeOver, to: other },
  });
  await insertAuditEntry(manager, {
    ...registrant,
    ...{ action: takeOverActions.taken, resource: `/v1/subscriptions/${taken.id}` },
    ...{ context: taken.context, user: taken.user, status: 200 },
    after: { takeOver, from: other, id: taken.id, client, transport, token },
  });
}
