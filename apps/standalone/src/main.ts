import 'reflect-metadata';
import { runProcess } from '@pns/runtime/app';
import { provideDefaults } from './env';
import { startStandalone } from './start';
import { Started } from './started';

const started = new Started();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

// A person reads this terminal, so attempts are not logged by default; PNS_LOG_LEVEL changes this.
provideDefaults({ PNS_LOG_LEVEL: 'warn' });
void runProcess(
  'standalone',
  () => startStandalone(started, say),
  () => started.stop(),
);
