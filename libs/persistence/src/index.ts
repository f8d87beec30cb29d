export type { AddressedSubscription } from './addressed-subscription';
export { apiScopes, ApiKeyStore, type ApiKey, type ApiScope, type NewApiKey, type RateLimit } from './api-key.store';
export { auditMask, AuditStore, type AuditedWrite, type AuditEntry } from './audit.store';
export { ClientTransportStore, type ClientTransport, type ClientTransportKey } from './client-transport.store';
export type { StoredContext, StoredProperty, StoredUser } from './config-rows';
export { ConfigStore, type Listed, type PropertyPlace, type StoredCommon, type StoredContextSet } from './config.store';
export { isDatabaseAway, migrate, openDatabase } from './database';
export { DirectoryStore, type DirectoryContext, type DirectoryUser } from './directory.store';
export type { EndpointFilter } from './endpoint-filter';
export type { EndpointMessage } from './endpoint-messages';
export { EndpointLookup, endpointStates, type ListedEndpoint } from './endpoint-lookup';
export {
  EndpointStore,
  type ChangedEndpoint,
  type EndpointFailure,
  type EndpointKey,
  type EndpointState,
} from './endpoint.store';
export { ErasureStore } from './erasure.store';
export {
  FailedDeliveryStore,
  type FailedDelivery,
  type FailedDeliveryFilter,
  type HeldClient,
} from './failed-delivery.store';
export {
  attemptsStatement,
  HistoryLookup,
  listStatement,
  namedStatement,
  windowsStatement,
  type FoundNotification,
  type FoundWindow,
  type HistoryFilter,
  type HistoryReach,
} from './history-lookup';
export { packsStatement } from './history-pack-lookup';
export { HistoryPartitions } from './history-partitions';
export type {
  DecidedBy,
  HistoryAttempt,
  HistoryGap,
  HistoryNotification,
  HistoryRows,
  HistoryTarget,
  HistoryWindow,
  UsageCounts,
  UsageOfHour,
} from './history-rows';
export { HistoryStore } from './history.store';
export { Seal } from './seal';
export { SecretRotation } from './secret-rotation';
export { ServerKeyStore } from './server-key.store';
export type { Page, PageRequest } from './page';
export { PersistenceModule } from './persistence.module';
export type { Registration, RegistrationRules } from './registration';
export type { ReadSubscription, StoredSubscription } from './subscription.entity';
export type { SubscriptionFilter } from './subscription-filter';
export { SubscriptionStore, type DeadTarget } from './subscription.store';
export type { Registrant } from './take-over';
export { otherName, UsageStore, usageGroups, type UsageGroup, type UsageRow } from './usage.store';
export { TokenSpellingStore, type SpellingRules } from './token-spelling.store';
export { PendingChangeStore } from './pending-change.store';
export type { Expected } from './versioned-row';
