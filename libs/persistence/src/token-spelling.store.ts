import { Injectable } from '@nestjs/common';
import type { Subscription } from '@pns/subscriptions';
import { maxTokenBytes } from '@pns/subscriptions';
import type { TransportName } from '@pns/transport-contract';
import { DataSource, type EntityManager } from 'typeorm';
import { isLive, lockToken, tokenHash } from './registration';
import { recordTakeOver } from './take-over';

/** The normal form of tokens, and which user keeps a token that several users have. */
export interface SpellingRules {
  readonly normalToken: (transport: TransportName, token: string) => string;
  /** See `RegistrationRules.holder`. */
  readonly holderOf: (transport: TransportName) => 'first' | 'last';
}

/** The result of one call of `respell`. */
interface Respelled {
  /** Number of checked subscriptions; 0 when there are no more. */
  readonly seen: number;
  readonly respelled: number;
  /** Number of subscriptions that were removed because another one has the same token. */
  readonly merged: number;
}

type Row = Pick<Subscription, 'id' | 'context' | 'user' | 'client' | 'transport' | 'token' | 'topics' | 'isShared'> & {
  readonly isLive: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

const columns = `id, context_id AS context, user_id AS "user", client, transport, token, topics, shared AS "isShared",
  ${isLive} AS "isLive", created_at AS "createdAt", updated_at AS "updatedAt"`;

/** Converts stored tokens to their normal form, and merges subscriptions that then have the same token. */
@Injectable()
export class TokenSpellingStore {
  constructor(private readonly database: DataSource) {}

  /** Converts up to `limit` subscriptions. Safe to repeat, to run concurrently and to interrupt. */
  async respell(limit: number, rules: SpellingRules): Promise<Respelled> {
    const rows = await this.database.query<Row[]>(
      `SELECT ${columns} FROM subscriptions WHERE NOT is_token_normal ORDER BY id LIMIT $1`,
      [limit],
    );
    const spelled = rows.map((row) => ({
      row,
      token: storable(rules.normalToken(row.transport, row.token), row.token),
    }));
    const normal = spelled.filter(({ row, token }) => token === row.token);
    await this.database.query('UPDATE subscriptions SET is_token_normal = true WHERE id = ANY ($1::uuid[])', [
      normal.map(({ row }) => row.id),
    ]);
    let [respelled, merged] = [0, 0];
    for (const { row, token } of spelled.filter((each) => each.token !== each.row.token)) {
      const removed = await this.database.transaction((manager) => respellOne(manager, row, token, rules));
      merged += removed;
      respelled++;
    }
    return { seen: rows.length, respelled, merged };
  }
}

/** Returns `otherwise` if `token` is too long for its column in Postgres. Percent-encoding can make a URI too long. */
function storable(token: string, otherwise: string): string {
  return Buffer.byteLength(token) <= maxTokenBytes ? token : otherwise;
}

/** Converts one token; returns how many subscriptions were removed: the given one, or other ones that lose the token to it. */
async function respellOne(
  manager: EntityManager,
  { id, ...key }: Row,
  token: string,
  rules: SpellingRules,
): Promise<number> {
  const hash = tokenHash(token);
  await lockToken(manager, { ...key, hash });
  const [row] = await manager.query<Row[]>(
    `SELECT ${columns} FROM subscriptions WHERE id = $1 AND NOT is_token_normal FOR UPDATE`,
    [id],
  );
  if (row === undefined) return 0;
  const holders = await manager.query<Row[]>(
    `SELECT ${columns} FROM subscriptions
     WHERE token_hash = $1 AND transport = $2 AND client = $3 AND id <> $4 FOR UPDATE`,
    [hash, row.transport, row.client, id],
  );
  const rivals = holders.filter((holder) => !canShare(holder, row));
  const winner = rivals.find((holder) => isKept(holder, row, rules)) ?? row;
  const losers = winner === row ? rivals : [row];
  await manager.query('DELETE FROM subscriptions WHERE id = ANY ($1::uuid[])', [losers.map((loser) => loser.id)]);
  for (const loser of losers) {
    if (loser.isLive && !isSameUser(loser, winner))
      await recordTakeOver(manager, { ...loser, token }, { ...winner, token });
  }
  if (winner === row) {
    const values = [id, token, hash];
    await manager.query(
      'UPDATE subscriptions SET token = $2, token_hash = $3, is_token_normal = true WHERE id = $1',
      values,
    );
  }
  return losers.length;
}

function canShare(one: Row, other: Row): boolean {
  return one.isShared && other.isShared && !isSameUser(one, other);
}

function isSameUser(one: Row, other: Row): boolean {
  return one.context === other.context && one.user === other.user;
}

/** Whether `one` stays and `other` is removed, if both cannot share a token. If only one has expired, the other stays. */
function isKept(one: Row, other: Row, { holderOf }: SpellingRules): boolean {
  if (one.isLive !== other.isLive) return one.isLive;
  if (!isSameUser(one, other) && holderOf(one.transport) === 'first') return one.createdAt <= other.createdAt;
  return one.updatedAt >= other.updatedAt;
}
