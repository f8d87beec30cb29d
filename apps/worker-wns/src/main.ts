import 'reflect-metadata';
import { runProcess } from '@pns/runtime';
import { workerWnsEnv } from './env';
import { startWnsWorker } from './start';

void runProcess('worker-wns', async () => [await startWnsWorker(workerWnsEnv().PNS_HEALTH_PORT)]);
