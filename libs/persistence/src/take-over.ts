import { randomUUID } from 'node:crypto';
import type { Subscription, UserKey } from '@pns/subscriptions';
import type { EntityManager } from 'typeorm';
import { auditMask, insertAuditEntry } from './audit.store';

/** Who registers a subscription: an API key and the request that it came with. */
export interface Registrant {
  readonly keyId: string;
  readonly keyName: string;
  readonly requestId: string;
}

type Held = UserKey & Pick<Subscription, 'id' | 'client' | 'transport' | 'token'>;

/** What the audit log calls the two sides of a take-over. */
export const takeOverActions = { lost: 'subscription.lost', taken: 'subscription.taken-over' } as const;

/** In place of the API key where the other side is in another context, whose keys are not shown. */
const elsewhere = { keyId: 'other-context', keyName: 'a key of another context' } as const;

/**
 * Notes in the audit logs of both users' contexts that a token went from one to the other. Neither entry has an id or a user of
 * the other one; both have the same `takeOver`, by which an operator who may read both finds the other.
 */
export async function noteTakeOver(
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
