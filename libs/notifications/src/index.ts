export {
  decodeNotification,
  itemOf,
  PayloadTexts,
  type Item,
  type Notification,
  type StoredNotification,
} from './notification';
