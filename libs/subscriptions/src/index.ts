export type { PushKeys } from './push-keys';
export {
  isClientId,
  isExpired,
  isOwnedBy,
  maxTokenBytes,
  maxTopicsPerSubscription,
  subscriptionsWanting,
  type Owner,
  type Subscription,
  type UserKey,
} from './subscription';
export { isUriWithin, uriValidationModes, webhookUriFault } from './webhook-uri';
