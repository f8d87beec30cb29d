import { Module } from '@nestjs/common';
import { HistoryModule } from '@pns/history';
import { OutcomeRecorder } from './outcome-recorder';

/** Records outcomes. It needs the stores of `PersistenceModule`, and the cascade. */
@Module({ imports: [HistoryModule], providers: [OutcomeRecorder], exports: [OutcomeRecorder] })
export class OutcomesModule {}
