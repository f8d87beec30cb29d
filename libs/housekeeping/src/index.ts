export { AuditSweep } from './audit-sweep';
export { SubscriptionSweep } from './subscription-sweep';
