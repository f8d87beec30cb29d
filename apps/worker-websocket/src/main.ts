import 'reflect-metadata';
import { runProcess } from '@pns/runtime/app';
import { extraHealthPort } from './env';
import { startWebsocketWorker } from './start';

void runProcess('worker-websocket', async () => [await startWebsocketWorker(extraHealthPort())]);
