import { startTemporaryServers } from './temporary-servers';
import { testServers } from './jest-servers';

/** Starts a Postgres and a Redis for the tests, unless `DATABASE_URL` and `REDIS_URL` name other servers. */
export default async function provideServers(): Promise<void> {
  const wanted = { postgres: !process.env['DATABASE_URL'], redis: !process.env['REDIS_URL'] };
  if (testServers.started || (!wanted.postgres && !wanted.redis)) return;
  const servers = await startTemporaryServers(wanted, (line) => process.stderr.write(`${line}\n`));
  if (servers.postgres) process.env['DATABASE_URL'] = servers.postgres.url;
  if (servers.redis) process.env['REDIS_URL'] = servers.redis.url;
  testServers.started = servers;
}
