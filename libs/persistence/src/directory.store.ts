import { Injectable } from '@nestjs/common';
import { PnsError } from '@pns/runtime';
import type { Owner, UserKey } from '@pns/subscriptions';
import { DataSource } from 'typeorm';
import { isTaken } from './database';
import { loginKey } from './login-key';
import { numberedPageOf, numberIn, type Page, type PageRequest } from './page';
import { putRow, removeRow, versionChanged, type Expected } from './versioned-row';

/** What is known of a context. Its version is another one after each write. */
export interface DirectoryContext {
  readonly context: number;
  /** A tag like the others, and no other context's. */
  readonly name?: string;
  readonly tags: readonly string[];
  readonly version: string;
}

/** What the directory knows of a user. Its version is another one after each write. */
export interface DirectoryUser extends UserKey {
  readonly primaryEmail?: string;
  /** Names by which other systems know the user, as `loginKey` says; each belongs to one user of all contexts. */
  readonly logins: readonly string[];
  readonly tags: readonly string[];
  readonly version: string;
}

interface ContextRow {
  readonly context: number;
  readonly name: string | null;
  readonly tags: string[];
  readonly version: string;
}

interface UserRow {
  readonly context: number;
  readonly user: number;
  readonly email: string | null;
  readonly logins: string[];
  readonly tags: string[];
  readonly version: string;
}

const selectContexts = 'SELECT context_id AS context, name, tags, version FROM contexts';
const selectUsers = `SELECT context_id AS context, user_id AS user, primary_email AS email, tags, version,
  ARRAY(SELECT login FROM user_logins l WHERE l.context_id = u.context_id AND l.user_id = u.user_id ORDER BY login) AS logins
 FROM users u`;

/** The directory in Postgres. Whoever changes tags or names tells `ConfigChanges`. */
@Injectable()
export class DirectoryStore {
  constructor(private readonly database: DataSource) {}

  /**
   * Adds a context or replaces what was known, where that is as `expected`. Safe to repeat.
   *
   * @throws PnsError `VERSION_CHANGED`, or `CONTEXT_NAME_TAKEN` when the name is another context's.
   */
  async putContext(
    { context, name, tags }: Omit<DirectoryContext, 'version'>,
    expected?: Expected,
  ): Promise<DirectoryContext> {
    const values = { name: name ?? null, tags: [...new Set(tags)] };
    try {
      await putRow(this.database.manager, 'contexts', { context_id: context }, values, expected);
    } catch (cause) {
      if (!isTaken(cause, 'contexts_name')) throw cause;
      throw new PnsError('CONTEXT_NAME_TAKEN', `Another context has the name ${name}; take it from that one first.`, {
        cause,
      });
    }
    const stored = await this.context(context);
    if (stored === undefined) throw versionChanged(); // somebody has erased it this moment
    return stored;
  }

  async context(context: number): Promise<DirectoryContext | undefined> {
    const [row] = await this.database.query<ContextRow[]>(`${selectContexts} WHERE context_id = $1`, [context]);
    return row === undefined ? undefined : toContext(row);
  }

  /** By id. */
  async contexts({ limit, cursor }: PageRequest): Promise<Page<DirectoryContext>> {
    const rows = await this.database.query<ContextRow[]>(
      `${selectContexts} WHERE context_id > $1 ORDER BY context_id LIMIT $2`,
      [cursor === undefined ? 0 : numberIn(cursor), limit + 1],
    );
    return numberedPageOf(rows.map(toContext), limit, ({ context }) => context);
  }

  /**
   * Adds a user, and its context if that is new, or replaces what was known, where that is as `expected`. Safe to repeat.
   *
   * @throws PnsError `VERSION_CHANGED`, or `LOGIN_TAKEN` when one of the logins is another user's.
   */
  async put(user: Omit<DirectoryUser, 'version'>, expected?: Expected): Promise<DirectoryUser> {
    const { context, primaryEmail, logins, tags } = user;
    const key = { context_id: context, user_id: user.user };
    const values = { primary_email: primaryEmail ?? null, tags: [...new Set(tags)] };
    try {
      await this.database.transaction(async (manager) => {
        await manager.query('INSERT INTO contexts (context_id) VALUES ($1) ON CONFLICT DO NOTHING', [context]);
        await putRow(manager, 'users', key, values, expected);
        await manager.query('DELETE FROM user_logins WHERE context_id = $1 AND user_id = $2', [context, user.user]);
        await manager.query(
          'INSERT INTO user_logins (login, context_id, user_id) SELECT login, $2, $3 FROM unnest($1::text[]) AS login',
          [uniqueLogins(logins), context, user.user],
        );
      });
    } catch (cause) {
      if (!isTaken(cause, 'user_logins_pkey')) throw cause;
      throw new PnsError('LOGIN_TAKEN', 'One of the logins belongs to another user; take it from that one first.', {
        cause,
      });
    }
    const stored = await this.get(user);
    if (stored === undefined) throw versionChanged(); // somebody has erased it this moment
    return stored;
  }

  async get({ context, user }: UserKey): Promise<DirectoryUser | undefined> {
    const [row] = await this.database.query<UserRow[]>(`${selectUsers} WHERE context_id = $1 AND user_id = $2`, [
      context,
      user,
    ]);
    return row === undefined ? undefined : toUser(row);
  }

  /** The users of a context, by id. */
  async users(context: number, { limit, cursor }: PageRequest): Promise<Page<DirectoryUser>> {
    const rows = await this.database.query<UserRow[]>(
      `${selectUsers} WHERE context_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3`,
      [context, cursor === undefined ? 0 : numberIn(cursor), limit + 1],
    );
    return numberedPageOf(rows.map(toUser), limit, ({ user }) => user);
  }

  /**
   * Removes what is known of a context, but not of its users, or of a user, where that is as `expected`.
   *
   * @throws PnsError `VERSION_CHANGED`.
   */
  async remove({ context, user }: Owner, expected: Expected): Promise<void> {
    const [table, key] = user === undefined ? ['contexts', {}] : ['users', { user_id: user }];
    await removeRow(this.database.manager, table, { context_id: context, ...key }, expected);
  }

  /** Logins distinguish neither case nor the forms of Unicode. */
  async userByLogin(login: string): Promise<UserKey | undefined> {
    if (login.includes('\0')) return undefined; // nobody's, and Postgres refuses to look for it
    const [row] = await this.database.query<UserKey[]>(
      'SELECT context_id AS context, user_id AS user FROM user_logins WHERE login = $1',
      [loginKey(login)],
    );
    return row;
  }
}

function toContext({ name, ...row }: ContextRow): DirectoryContext {
  return { ...row, ...(name === null ? {} : { name }) };
}

function toUser({ email, ...row }: UserRow): DirectoryUser {
  return { ...row, ...(email === null ? {} : { primaryEmail: email }) };
}

// In one order, so that two writers who want the same logins cannot wait for each other.
function uniqueLogins(logins: readonly string[]): string[] {
  return [...new Set(logins.map(loginKey))].sort();
}
