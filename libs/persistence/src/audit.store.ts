import { createHash, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Owner } from '@pns/subscriptions';
import { DataSource, type EntityManager } from 'typeorm';
import { pageOf, positionOf, type Page, type PageRequest } from './page';

/** A write that is not made yet: its API key, action and resource, and the state before it. */
export interface AuditedWrite {
  readonly keyId: string;
  readonly keyName: string;
  /** Method and path of the route: `PUT /v1/contexts/{context}`. */
  readonly action: string;
  /** The path and query of the request. */
  readonly resource: string;
  readonly context?: number | undefined;
  readonly user?: number | undefined;
  /** Other contexts that the write names: the contexts of an API key. */
  readonly mentions?: readonly number[] | undefined;
  readonly requestId: string;
  /** JSON without secrets. */
  readonly before?: unknown;
}

/** One line of the audit log. */
export interface AuditEntry extends Omit<AuditedWrite, 'mentions'> {
  readonly id: string;
  /** In ms since the epoch. */
  readonly at: number;
  /** HTTP status of the answer; absent before the answer, and when the process died before it. */
  readonly status?: number;
  /** JSON without secrets. */
  readonly after?: unknown;
}

/** Selects the entries that match all given fields. */
interface AuditFilter {
  /** Only entries of these contexts; an entry without a context never matches. */
  readonly contexts?: readonly number[] | undefined;
  readonly context?: number | undefined;
  readonly user?: number | undefined;
  readonly keyId?: string | undefined;
  readonly action?: string | undefined;
  /** A path; paths below it match too. */
  readonly resource?: string | undefined;
  /** In ms since the epoch, inclusive. */
  readonly since?: number | undefined;
  /** In ms since the epoch, exclusive. */
  readonly until?: number | undefined;
}

interface Row {
  readonly id: string;
  readonly at: Date;
  readonly key_id: string;
  readonly key_name: string;
  readonly action: string;
  readonly resource: string;
  readonly context_id: number | null;
  readonly user_id: number | null;
  readonly request_id: string;
  readonly status: number | null;
  readonly before: unknown;
  readonly after: unknown;
}

const columns = 'id, at, key_id, key_name, action, resource, context_id, user_id, request_id, status, before, after';

/** The audit log of writes by administrators, in Postgres. */
@Injectable()
export class AuditStore {
  constructor(private readonly database: DataSource) {}

  /** Records a write before it is made; returns the id of its entry. */
  begin(write: AuditedWrite): Promise<string> {
    return insertAuditEntry(this.database.manager, write);
  }

  /** Records the answer of a write. If the entry was erased after `begin`, it stays erased. */
  async complete(id: string, status: number, after?: unknown): Promise<void> {
    await this.database.query(
      'UPDATE audit_entries SET status = $2, after = CASE WHEN erased THEN NULL ELSE $3::json END WHERE id = $1',
      [id, status, jsonOf(after)],
    );
  }

  /** Removes the entry of a refused write, which changed nothing. */
  async withdraw(id: string): Promise<void> {
    await this.database.query('DELETE FROM audit_entries WHERE id = $1', [id]);
  }

  /** Returns entries, newest first. */
  async list(filter: AuditFilter, { limit, cursor }: PageRequest): Promise<Page<AuditEntry>> {
    const { contexts, context, user, keyId, action, resource, since, until } = filter;
    const wanted = new Conditions();
    if (contexts !== undefined) wanted.add('context_id = ANY (?::int[])', contexts);
    if (context !== undefined) wanted.add('context_id = ?', context);
    if (user !== undefined) wanted.add('user_id = ?', user);
    if (keyId !== undefined) wanted.add('key_id = ?', keyId);
    if (action !== undefined) wanted.add('action = ?', action);
    if (resource !== undefined) {
      wanted.add(
        `(resource = ? OR resource LIKE ? OR resource LIKE ?)`,
        resource,
        below(resource, '/'),
        below(resource, '?'),
      );
    }
    if (since !== undefined) wanted.add('at >= ?', new Date(since));
    if (until !== undefined) wanted.add('at < ?', new Date(until));
    if (cursor !== undefined) {
      const { createdAt, id } = positionOf(cursor);
      wanted.add('(at, id) < (?, ?::uuid)', new Date(createdAt), id);
    }
    const rows = await this.database.query<Row[]>(
      `SELECT ${columns} FROM audit_entries WHERE ${wanted.sql} ORDER BY at DESC, id DESC LIMIT ${limit + 1}`,
      wanted.values,
    );
    const { items, nextCursor } = pageOf(
      rows.map((row) => ({ createdAt: row.at.getTime(), id: row.id, entry: toEntry(row) })),
      limit,
    );
    return { items: items.map(({ entry }) => entry), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  /**
   * Erases the data of a context or user in up to `limit` entries; returns the number of these entries, 0 when none is left. The
   * key, the time and the route stay. The resource becomes a hash of the erased ids, by which a reader who knows the ids can find
   * the entry. Safe to repeat and to run concurrently.
   */
  async erase({ context, user }: Owner, limit: number): Promise<number> {
    const [, erased] = await this.database.query<[unknown, number]>(
      `UPDATE audit_entries
       SET before = NULL, after = NULL, context_id = NULL, user_id = NULL, mentions = '{}', resource = $3, erased = true
       WHERE id = ANY (ARRAY(
         SELECT id FROM audit_entries WHERE context_id = $1 AND ($2::int IS NULL OR user_id = $2) LIMIT $4
       ))`,
      [context, user ?? null, auditMask(user === undefined ? String(context) : `${context}/${user}`), limit],
    );
    if (erased > 0 || user !== undefined) return erased;
    const [, unmentioned] = await this.database.query<[unknown, number]>(
      `UPDATE audit_entries SET before = NULL, after = NULL, mentions = '{}', erased = true
       WHERE id = ANY (ARRAY(SELECT id FROM audit_entries WHERE mentions @> ARRAY[$1::int] LIMIT $2))`,
      [context, limit],
    );
    return unmentioned;
  }

  /** Removes up to `limit` entries that are older than `before` (in ms since the epoch); returns their number. */
  async removeOlderThan(before: number, limit: number): Promise<number> {
    const [, removed] = await this.database.query<[unknown, number]>(
      `DELETE FROM audit_entries WHERE id IN (
         SELECT id FROM audit_entries WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
       )`,
      [new Date(before), limit],
    );
    return removed;
  }
}

/** Adds an entry, with the answer if it is known, and returns the id of the entry. */
export async function insertAuditEntry(
  manager: EntityManager,
  entry: AuditedWrite & Pick<AuditEntry, 'status' | 'after'>,
): Promise<string> {
  const { keyId, keyName, action, resource, context, user, mentions = [], requestId, before, status, after } = entry;
  const id = randomUUID();
  await manager.query(
    `INSERT INTO audit_entries
       (id, key_id, key_name, action, resource, context_id, user_id, mentions, request_id, before, status, after)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      ...[id, keyId, keyName, action, resource, context ?? null, user ?? null, mentions, requestId],
      ...[jsonOf(before), status ?? null, jsonOf(after)],
    ],
  );
  return id;
}

/** The text that replaces a secret in the log: the first digits of its SHA-256, enough for comparisons. */
export function auditMask(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex').slice(0, 6)}`;
}

/** The conditions of a WHERE; each `?` stands for a value. */
class Conditions {
  private readonly parts = ['true'];
  readonly values: unknown[] = [];

  add(condition: string, ...values: readonly unknown[]): void {
    const numbers = values.map((value) => this.values.push(value));
    this.parts.push(condition.replaceAll('?', () => `$${numbers.shift()}`));
  }

  get sql(): string {
    return this.parts.join(' AND ');
  }
}

/** A LIKE pattern for texts that start with `path` and `separator`. */
function below(path: string, separator: string): string {
  return `${path.replace(/[\\%_]/g, '\\$&')}${separator}%`;
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function toEntry(row: Row): AuditEntry {
  return {
    ...{ id: row.id, at: row.at.getTime(), keyId: row.key_id, keyName: row.key_name },
    ...{ action: row.action, resource: row.resource, requestId: row.request_id },
    ...(row.context_id === null ? {} : { context: row.context_id }),
    ...(row.user_id === null ? {} : { user: row.user_id }),
    ...(row.status === null ? {} : { status: row.status }),
    ...(row.before === null ? {} : { before: row.before }),
    ...(row.after === null ? {} : { after: row.after }),
  };
}
