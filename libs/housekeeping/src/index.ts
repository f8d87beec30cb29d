export { AuditSweep } from './audit-sweep';
export { EndpointSweep } from './endpoint-sweep';
export { FailedSweep } from './failed-sweep';
export { HistorySweep } from './history-sweep';
export { HourlySweeps } from './hourly-sweeps';
export { SubscriptionSweep } from './subscription-sweep';
