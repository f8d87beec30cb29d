export { aggregationModes, type AggregationMode, type DueWindow } from './due-window';
export {
  decodeNotification,
  itemOf,
  PayloadTexts,
  type Item,
  type Notification,
  type StoredNotification,
} from './notification';
