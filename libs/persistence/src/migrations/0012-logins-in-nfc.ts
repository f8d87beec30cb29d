import { log } from '@pns/runtime';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { loginKey } from '../login-key';

interface Row {
  readonly login: string;
  readonly context: number;
  readonly user: number;
}

/** Selects logins with characters outside ASCII, because only these logins can have two forms. */
const selectAffected = `SELECT login, context_id AS context, user_id AS user FROM user_logins
  WHERE octet_length(login) > char_length(login) ORDER BY login`;

/**
 * Converts logins to Unicode NFC, in which they are compared. Of two logins with the same NFC, the login that is already in NFC
 * stays, otherwise the first login. The log names the user who loses a login.
 */
export class LoginsInNfc1760000000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const rows = (await runner.query(selectAffected)) as Row[];
    const taken = new Set(rows.map(({ login }) => login).filter((login) => loginKey(login) === login));
    for (const { login, context, user } of rows) {
      const key = loginKey(login);
      if (key === login) continue;
      if (taken.has(key)) {
        log.warn({ event: 'directory.login-removed', context, user }, 'Another login is the same in Unicode NFC.');
        await runner.query('DELETE FROM user_logins WHERE login = $1', [login]);
      } else {
        taken.add(key);
        await runner.query('UPDATE user_logins SET login = $2 WHERE login = $1', [login, key]);
      }
    }
  }

  /** Changes nothing: older versions compare logins as they are stored, so both forms work. */
  async down(): Promise<void> {}
}
