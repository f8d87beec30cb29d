import 'reflect-metadata';
import { runTransportWorker } from '@pns/delivery';
import { webhookWorker } from './worker';

void runTransportWorker(webhookWorker);
