import { Injectable } from '@nestjs/common';
import { PnsError } from '@pns/runtime';
import type { Owner, UserKey } from '@pns/subscriptions';
import { DataSource } from 'typeorm';
import { isTaken } from './database';
import { loginKey } from './login-key';
import { numberedPageOf, numberIn, type Page, type PageRequest } from './page';
import { putRow, removeRow, versionChanged, type Expected } from './versioned-row';

/** A context in the directory. Each write gives it a new version. */
export interface DirectoryContext {
  readonly context: number;
  /** A tag that is unique among contexts. */
  readonly name?: string;
  readonly tags: readonly string[];
  readonly version: string;
}

/** A user in the directory. Each write gives it a new version. */
export interface DirectoryUser extends UserKey {
  readonly primaryEmail?: string;
  /** The names of the user in other systems, in the form of `loginKey`; each is unique among all contexts. */
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

/** The directory in Postgres. Callers must announce changed tags and names through `ConfigChanges`. */
@Injectable()
export class DirectoryStore {
  constructor(private readonly database: DataSource) {}

  /**
   * Adds or replaces a context if its version is `expected`. Safe to repeat.
   *
   * @throws PnsError `VERSION_CHANGED`, or `CONTEXT_NAME_TAKEN` when another context has the name.
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
      throw new PnsError('CONTEXT_NAME_TAKEN', `Another context has the name ${name}; remove it there first.`, {
        cause,
      });
    }
    const stored = await this.context(context);
    if (stored === undefined) throw versionChanged(); // the row was erased after the write
    return stored;
  }

  async context(context: number): Promise<DirectoryContext | undefined> {
    const [row] = await this.database.query<ContextRow[]>(`${selectContexts} WHERE context_id = $1`, [context]);
    return row === undefined ? undefined : toContext(row);
  }

  /** All contexts, ordered by id. */
  async contexts({ limit, cursor }: PageRequest): Promise<Page<DirectoryContext>> {
    const rows = await this.database.query<ContextRow[]>(
      `${selectContexts} WHERE context_id > $1 ORDER BY context_id LIMIT $2`,
      [cursor === undefined ? 0 : numberIn(cursor), limit + 1],
    );
    return numberedPageOf(rows.map(toContext), limit, ({ context }) => context);
  }

  /**
   * Adds or replaces a user if its version is `expected`. Adds the user's context if it does not exist. Safe to repeat.
   *
   * @throws PnsError `VERSION_CHANGED`, or `LOGIN_TAKEN` when one of the logins belongs to another user.
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
      throw new PnsError('LOGIN_TAKEN', 'One of the logins belongs to another user; remove it there first.', {
        cause,
      });
    }
    const stored = await this.get(user);
    if (stored === undefined) throw versionChanged(); // the row was erased after the write
    return stored;
  }

  async get({ context, user }: UserKey): Promise<DirectoryUser | undefined> {
    const [row] = await this.database.query<UserRow[]>(`${selectUsers} WHERE context_id = $1 AND user_id = $2`, [
      context,
      user,
    ]);
    return row === undefined ? undefined : toUser(row);
  }

  /** The users of a context, ordered by id. */
  async users(context: number, { limit, cursor }: PageRequest): Promise<Page<DirectoryUser>> {
    const rows = await this.database.query<UserRow[]>(
      `${selectUsers} WHERE context_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3`,
      [context, cursor === undefined ? 0 : numberIn(cursor), limit + 1],
    );
    return numberedPageOf(rows.map(toUser), limit, ({ user }) => user);
  }

  /**
   * Removes a user, or a context but not its users, if the version is `expected`.
   *
   * @throws PnsError `VERSION_CHANGED`.
   */
  async remove({ context, user }: Owner, expected: Expected): Promise<void> {
    const [table, key] = user === undefined ? ['contexts', {}] : ['users', { user_id: user }];
    await removeRow(this.database.manager, table, { context_id: context, ...key }, expected);
  }

  /** Finds the user of a login. Case and Unicode form are ignored. */
  async userByLogin(login: string): Promise<UserKey | undefined> {
    if (login.includes('\0')) return undefined; // no login contains NUL, and Postgres refuses it in a query
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

// The logins are sorted, so that concurrent writers of the same logins do not deadlock.
function uniqueLogins(logins: readonly string[]): string[] {
  return [...new Set(logins.map(loginKey))].sort();
}
