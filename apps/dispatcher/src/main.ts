import 'reflect-metadata';
import { runProcess } from '@pns/runtime/app';
import { dispatcherEnv } from './env';
import { startDispatcher } from './start';

void runProcess('dispatcher', async () => [await startDispatcher(dispatcherEnv().PNS_HEALTH_PORT)]);
