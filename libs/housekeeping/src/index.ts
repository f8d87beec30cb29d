export { AuditSweep } from './audit-sweep';
export { HistorySweep } from './history-sweep';
export { HourlySweeps } from './hourly-sweeps';
export { SubscriptionSweep } from './subscription-sweep';
