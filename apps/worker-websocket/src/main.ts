import 'reflect-metadata';
import { runProcess } from '@pns/runtime';
import { workerWebsocketEnv } from './env';
import { startWebsocketWorker } from './start';

void runProcess('worker-websocket', async () => [await startWebsocketWorker(workerWebsocketEnv().PNS_HEALTH_PORT)]);
