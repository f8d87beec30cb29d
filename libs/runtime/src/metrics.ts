import { collectDefaultMetrics, Registry } from 'prom-client';

/** The process' Prometheus registry. */
export const metrics = new Registry();
collectDefaultMetrics({ register: metrics });
