export {
  cutText,
  cutTexts,
  ellipsis,
  jsonBytes,
  utf8Bytes,
  wellFormed,
  type CutOptions,
  type Texts,
  type TextSize,
} from './cut-text';
export { maxPayloadBytes, payloadFault, payloadSchemas } from './payload';
export {
  maxDataFields,
  navigateFault,
  pushContent,
  type ContentRefusal,
  type PushContent,
  type PushSource,
  type PushStyle,
} from './push-content';
export { maxTemplateLength, templateFault } from './template';
