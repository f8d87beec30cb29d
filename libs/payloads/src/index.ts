export { cutText, cutTexts, ellipsis, jsonBytes, utf8Bytes, wellFormed, type Texts, type TextSize } from './cut-text';
export { fieldsThatFit, isWithinBytes } from './fitting-json';
export { maxPayloadBytes, payloadFault } from './payload';
export {
  maxDataFields,
  navigateFault,
  pushContent,
  type ContentRefusal,
  type PushContent,
  type PushStyle,
} from './push-content';
export { maxTemplateLength, templateFault } from './template';
