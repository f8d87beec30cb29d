import 'reflect-metadata';
import { runTransportWorker } from '@pns/delivery';
import { wnsWorker } from './worker';

void runTransportWorker(wnsWorker);
