import { Module } from '@nestjs/common';
import { History } from './history';
import { HistoryReader } from './history-reader';
import { HistoryWriter } from './history-writer';

/** The history of notifications. It needs the stores of `PersistenceModule` and the cascade. */
@Module({ providers: [HistoryWriter, History, HistoryReader], exports: [History, HistoryReader] })
export class HistoryModule {}
