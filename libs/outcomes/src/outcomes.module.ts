import { Module } from '@nestjs/common';
import { OutcomeRecorder } from './outcome-recorder';

/** The last stage. It needs the stores of `PersistenceModule`. */
@Module({ providers: [OutcomeRecorder], exports: [OutcomeRecorder] })
export class OutcomesModule {}
