import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** By then every process has asked, or could not, which is a sign as well; no statement of a dead writer goes on so long. */
const forgetAfter = '1 minute';

/**
 * Marks of changes that may not have been told to every process: made before a change is written and removed when it has
 * been told, so that the mark of a writer who dies in between stays. They do not say what changes, nor whose.
 */
@Injectable()
export class UnannouncedChangeStore {
  constructor(private readonly database: DataSource) {}

  /** Makes a mark and answers its id. */
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

  /** Whether any mark is older than `ms`; those of more than a minute are seen once more and go. */
  async isAnyOlderThan(ms: number): Promise<boolean> {
    const [answer] = await this.database.query<{ isAny: boolean }[]>(
      `WITH forgotten AS (DELETE FROM unannounced_changes WHERE since < now() - interval '${forgetAfter}')
       SELECT EXISTS (SELECT FROM unannounced_changes WHERE since < now() - $1 * interval '1 ms') AS "isAny"`,
      [ms],
    );
    return answer?.isAny === true;
  }
}
