export { History, type Dispatched, type SuppressedTarget } from './history';
export { HistoryModule } from './history.module';
export { HistoryReader, type DeliveryHistory, type NotificationHistory } from './history-reader';
export { HistoryWriter } from './history-writer';
