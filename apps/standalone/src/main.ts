import 'reflect-metadata';
import { runProcess } from '@pns/runtime';
import { provideDefaults } from './env';
import { startStandalone } from './start';
import { Started } from './started';

const started = new Started();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

// Here a person reads the terminal; every attempt as a line of JSON is there for the asking.
provideDefaults({ PNS_LOG_LEVEL: 'warn' });
void runProcess(
  'standalone',
  () => startStandalone(started, say),
  () => started.stop(),
);
