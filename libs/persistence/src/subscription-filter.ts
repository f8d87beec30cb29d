import { patternsMatching } from '@pns/topics';
import type { TransportName } from '@pns/transport-contract';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import { tokenHash } from './registration';
import { SubscriptionEntity } from './subscription.entity';

/** Selects the subscriptions that match all given fields. */
export interface SubscriptionFilter {
  readonly context?: number | undefined;
  readonly user?: number | undefined;
  readonly client?: string | undefined;
  readonly transport?: TransportName | undefined;
  /** A topic selects subscriptions whose patterns match it; a pattern selects subscriptions that contain exactly this pattern. */
  readonly topic?: string | undefined;
  /** The token in the normal form of each transport. Subscriptions of other transports are not selected. */
  readonly tokens?: Readonly<Partial<Record<TransportName, string>>> | undefined;
}

/** A query for the subscriptions `s` that match. */
export function subscriptionsMatching(
  manager: EntityManager,
  filter: SubscriptionFilter,
): SelectQueryBuilder<SubscriptionEntity> {
  const query = manager.createQueryBuilder(SubscriptionEntity, 's').where('true');
  const { context, user, client, transport, topic, tokens } = filter;
  if (context !== undefined) query.andWhere('s.context_id = :context', { context });
  if (user !== undefined) query.andWhere('s.user_id = :user', { user });
  if (client !== undefined) query.andWhere('s.client = :client', { client });
  if (transport !== undefined) query.andWhere('s.transport = :transport', { transport });
  if (tokens !== undefined) {
    const hashes = Object.entries(tokens).map(([name, token]): [string, Buffer] => [name, tokenHash(token)]);
    query.andWhere('s.token_hash = ANY (:hashes)', { hashes: hashes.map(([, hash]) => hash) });
    query.andWhere('(s.transport, s.token_hash) IN (SELECT * FROM unnest(:names::text[], :hashes::bytea[]))', {
      names: hashes.map(([name]) => name),
    });
  }
  if (topic !== undefined) {
    const patterns = topic.endsWith('*') ? [topic] : patternsMatching(topic);
    query.andWhere('s.topics && :patterns::text[]', { patterns });
  }
  return query;
}
