export { CascadeFiles, type FolderScopes } from './cascade-files';
export { ConfigCascade, type FileScopes } from './config-cascade';
export { ConfigCascadeModule } from './config-cascade.module';
export { ConfigChanges } from './config-changes';
export type { FileContextSet } from './context-set-files';
export { decisionReason } from './decision-reason';
export { effectiveProperties } from './effective';
export { originalProperty } from './original-names';
export { properties, type HistoryMode, type Property, type PropertyName, type PropertyValue } from './properties';
export { knownProperty, registry } from './property-registry';
export { foreignNameReason, propertyText, propertyValue, valueFault } from './property-check';
export { PropertyLoader } from './property-loader';
export { scopes, type Origin, type Place, type Scope, type ScopeName } from './resolve';
export type { ConfigChange } from './subject-cache';
export {
  isTag,
  isTagExpression,
  maxTagExpressionLength,
  parseTagExpression,
  printTagExpression,
  TagExpressionError,
  type TagExpression,
} from './tag-expression';
export type { Decision, Target } from './transport-switch';
