import { testServers } from './jest-servers';

/** Stops the servers of the global setup. If Jest is interrupted before, the reaper stops them. */
export default async function stopServers(): Promise<void> {
  const { started } = testServers;
  if (!started) return;
  if (started.postgres) delete process.env['DATABASE_URL'];
  if (started.redis) delete process.env['REDIS_URL'];
  testServers.started = undefined;
  await started.stop();
}
