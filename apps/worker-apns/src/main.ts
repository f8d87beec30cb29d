import 'reflect-metadata';
import { runTransportWorker } from '@pns/delivery';
import { apnsWorker } from './worker';

void runTransportWorker(apnsWorker);
