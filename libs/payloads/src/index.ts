export { maxPayloadBytes, payloadFault, payloadSchemas } from './payload';
export { pushContent, templateFault, type PushContent, type PushSource, type PushStyle } from './push-content';
