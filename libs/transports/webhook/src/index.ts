export { webhookAddressFault } from './webhook.address';
export { ownCredentials } from './webhook.credentials';
export { webhookOptions, webhookSecretFields, type WebhookOptions } from './webhook.options';
export { webhookOptionsFileFor } from './webhook.option-file';
export { webhookToken } from './webhook.token';
export { WebhookTransport, type WebhookTransportParts } from './webhook.transport';
export { webhookOutcome } from './webhook.outcome';
