export { AuditSweep } from './audit-sweep';
export { HistorySweep } from './history-sweep';
export { SubscriptionSweep } from './subscription-sweep';
