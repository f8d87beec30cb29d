import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For each event, a query for changes of the number of failed deliveries; `added` and `removed` are rows of the statement. */
const changes = {
  INSERT: { referencing: 'NEW TABLE AS added', rows: 'SELECT transport, held, 1 AS change FROM added' },
  DELETE: { referencing: 'OLD TABLE AS removed', rows: 'SELECT transport, held, -1 AS change FROM removed' },
  UPDATE: {
    referencing: 'NEW TABLE AS added OLD TABLE AS removed',
    rows: 'SELECT transport, held, 1 AS change FROM added UNION ALL SELECT transport, held, -1 FROM removed',
  },
};

/** The outcome `exhausted`, and a table by which failed deliveries are counted without reading all rows. */
export class ExhaustedDeliveries1760000000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`UPDATE failed_deliveries SET outcome = 'exhausted' WHERE outcome = 'retry'`);
    // The rows are changes, not totals, because processes that add failed deliveries would wait for each other to change a total.
    await runner.query(
      `CREATE TABLE failed_delivery_changes (
         transport varchar(16) NOT NULL,
         held      boolean NOT NULL,
         change    bigint NOT NULL
       )`,
    );
    await runner.query(
      `INSERT INTO failed_delivery_changes (transport, held, change)
       SELECT transport, held, count(*) FROM failed_deliveries GROUP BY transport, held`,
    );
    for (const [event, { referencing, rows }] of Object.entries(changes)) {
      const name = `failed_deliveries_count_${event.toLowerCase()}`;
      // In 2 % of its calls, the function replaces the changes by their sums, except changes that another statement has locked.
      await runner.query(
        `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
           INSERT INTO failed_delivery_changes (transport, held, change)
           SELECT transport, held, sum(change) FROM (${rows}) AS changed
           GROUP BY transport, held HAVING sum(change) <> 0;
           IF random() < 0.02 THEN
             WITH replaced AS (
               DELETE FROM failed_delivery_changes WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM failed_delivery_changes LIMIT 10000 FOR UPDATE SKIP LOCKED
               )) RETURNING transport, held, change
             )
             INSERT INTO failed_delivery_changes (transport, held, change)
             SELECT transport, held, sum(change) FROM replaced GROUP BY transport, held;
           END IF;
           RETURN NULL;
         END $$`,
      );
      await runner.query(
        `CREATE TRIGGER ${name} AFTER ${event} ON failed_deliveries REFERENCING ${referencing}
         FOR EACH STATEMENT EXECUTE FUNCTION ${name}()`,
      );
    }
    await runner.query(
      `CREATE FUNCTION failed_deliveries_count_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         DELETE FROM failed_delivery_changes;
         RETURN NULL;
       END $$`,
    );
    await runner.query(
      `CREATE TRIGGER failed_deliveries_count_truncate AFTER TRUNCATE ON failed_deliveries
       FOR EACH STATEMENT EXECUTE FUNCTION failed_deliveries_count_truncate()`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const event of ['insert', 'delete', 'update', 'truncate']) {
      await runner.query(`DROP TRIGGER failed_deliveries_count_${event} ON failed_deliveries`);
      await runner.query(`DROP FUNCTION failed_deliveries_count_${event}()`);
    }
    await runner.query('DROP TABLE failed_delivery_changes');
    await runner.query(`UPDATE failed_deliveries SET outcome = 'retry' WHERE outcome = 'exhausted'`);
  }
}
