import { testServers } from './jest-servers';

/** Stops what the global setup started. Should Jest be interrupted before it gets here, the servers end with its process. */
export default async function stopServers(): Promise<void> {
  const { started } = testServers;
  if (!started) return;
  if (started.postgres) delete process.env['DATABASE_URL'];
  if (started.redis) delete process.env['REDIS_URL'];
  testServers.started = undefined;
  await started.stop();
}
