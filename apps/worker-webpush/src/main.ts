import 'reflect-metadata';
import { runTransportWorker } from '@pns/delivery';
import { webpushWorker } from './worker';

void runTransportWorker(webpushWorker);
