import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/**
 * The age at which a mark is deleted. By then every process has read the marks or detected that it cannot read them, and every
 * statement of a dead writer has ended.
 */
const forgetAfter = '1 minute';

/**
 * Marks of configuration changes that may not have been announced to every process. A mark is added before a change is written
 * and removed after its announcement, so the mark of a writer that dies in between stays. A mark does not contain the change. The
 * table has the older name `unannounced_changes`.
 */
@Injectable()
export class PendingChangeStore {
  constructor(private readonly database: DataSource) {}

  /** Adds a mark and returns its id. */
  async add(): Promise<string> {
    const [mark] = await this.database.query<{ id: string }[]>(
      'INSERT INTO unannounced_changes DEFAULT VALUES RETURNING id',
    );
    if (mark === undefined) throw new Error('An insert returned no row.');
    return mark.id;
  }

  async remove(id: string): Promise<void> {
    await this.database.query('DELETE FROM unannounced_changes WHERE id = $1', [id]);
  }

  /** Whether any mark is older than `ms`. Deletes marks older than a minute, but this call still counts them. */
  async isAnyOlderThan(ms: number): Promise<boolean> {
    const [answer] = await this.database.query<{ isAny: boolean }[]>(
      `WITH forgotten AS (DELETE FROM unannounced_changes WHERE since < now() - interval '${forgetAfter}')
       SELECT EXISTS (SELECT FROM unannounced_changes WHERE since < now() - $1 * interval '1 ms') AS "isAny"`,
      [ms],
    );
    return answer?.isAny === true;
  }
}
