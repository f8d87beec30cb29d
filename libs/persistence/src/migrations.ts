import { FirstTables1760000000001 } from './migrations/0001-first-tables';
import { Cascade1760000000002 } from './migrations/0002-cascade';
import { Directory1760000000003 } from './migrations/0003-directory';
import { RestrictedKeysAndAudit1760000000004 } from './migrations/0004-restricted-keys-and-audit';
import { ClientTransports1760000000005 } from './migrations/0005-client-transports';
import { HeldDeliveries1760000000006 } from './migrations/0006-held-deliveries';
import { UnannouncedChanges1760000000007 } from './migrations/0007-unannounced-changes';
import { SubscriptionTopics1760000000008 } from './migrations/0008-subscription-topics';
import { ApiKeyRateLimits1760000000009 } from './migrations/0009-api-key-rate-limits';
import { TokenSpelling1760000000010 } from './migrations/0010-token-spelling';
import { ExhaustedDeliveries1760000000011 } from './migrations/0011-exhausted-deliveries';
import { LoginsInNfc1760000000012 } from './migrations/0012-logins-in-nfc';
import { PushKeys1760000000013 } from './migrations/0013-push-keys';
import { History1760000000014 } from './migrations/0014-history';
import { HistoryWrites1760000000015 } from './migrations/0015-history-writes';
import { Endpoints1760000000016 } from './migrations/0016-endpoints';
import { EndpointMessages1760000000017 } from './migrations/0017-endpoint-messages';
import { HistoryPacks1760000000018 } from './migrations/0018-history-packs';

/** The migrations in the order in which they run, as a list for the same reasons as the entities in database.ts. */
export const migrations = [
  FirstTables1760000000001,
  Cascade1760000000002,
  Directory1760000000003,
  RestrictedKeysAndAudit1760000000004,
  ClientTransports1760000000005,
  HeldDeliveries1760000000006,
  UnannouncedChanges1760000000007,
  SubscriptionTopics1760000000008,
  ApiKeyRateLimits1760000000009,
  TokenSpelling1760000000010,
  ExhaustedDeliveries1760000000011,
  LoginsInNfc1760000000012,
  PushKeys1760000000013,
  History1760000000014,
  HistoryWrites1760000000015,
  Endpoints1760000000016,
  EndpointMessages1760000000017,
  HistoryPacks1760000000018,
];

/** The names of all migrations in the table `migrations`. */
export const migrationNames: readonly string[] = migrations.map(({ name }) => name);
