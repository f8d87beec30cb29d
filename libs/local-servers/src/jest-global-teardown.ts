import { testServers } from './jest-servers';

/** Stops the servers that the global setup started. If Jest is interrupted before, the servers end with its process. */
export default async function stopServers(): Promise<void> {
  const { started } = testServers;
  if (!started) return;
  if (started.postgres) delete process.env['DATABASE_URL'];
  if (started.redis) delete process.env['REDIS_URL'];
  testServers.started = undefined;
  await started.stop();
}
