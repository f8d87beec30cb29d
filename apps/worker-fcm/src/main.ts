import 'reflect-metadata';
import { runTransportWorker } from '@pns/delivery';
import { fcmWorker } from './worker';

void runTransportWorker(fcmWorker);
