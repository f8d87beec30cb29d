import { freshDatabase } from '@pns/local-servers';
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';

/**
 * Checks the part of TypeORM that `queryPrepared` in `database.ts` uses and that the documentation of TypeORM does not describe.
 * package.json pins the minor version of TypeORM; a newer version must pass this file.
 */
it("a data source's driver has the pool of pg, whose queries can be prepared by name", async () => {
  const fresh = await freshDatabase();
  const database = await new DataSource({ type: 'postgres', url: fresh.url }).initialize();
  const pool: unknown = (database.driver as PostgresDriver).master;
  expect(pool).toBeInstanceOf(Pool);
  const { rows } = await (pool as Pool).query<{ sum: number }>({
    name: 'sum',
    text: 'SELECT 1 + $1::int AS sum',
    values: [2],
  });
  expect(rows).toEqual([{ sum: 3 }]);
  await database.destroy();
  await fresh.drop();
});
