export { ownCredentials } from './webhook.credentials';
export {
  demoSignatureSecret,
  webhookOptions,
  webhookOptionsFile,
  webhookOptionsFileFor,
  webhookSecretFields,
  type WebhookOptions,
} from './webhook.options';
export { webhookToken } from './webhook.token';
export { WebhookTransport, type WebhookTransportParts } from './webhook.transport';
