import 'reflect-metadata';
import { openDatabase } from '@pns/persistence';
import { log, readEnvironment } from '@pns/runtime';
import { failToStart } from '@pns/runtime/app';

/** Migrates the database and ends, for a job before an upgrade. Without this job, the first app that starts migrates. */
async function run(): Promise<void> {
  const { DATABASE_URL, PNS_LOG_LEVEL } = readEnvironment(['DATABASE_URL']);
  log.level = PNS_LOG_LEVEL;
  const database = await openDatabase(DATABASE_URL);
  await database.destroy();
}

run().catch(failToStart);
