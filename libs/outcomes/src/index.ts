export { countSuppressed, OutcomeRecorder, type Attempt } from './outcome-recorder';
export { OutcomesModule } from './outcomes.module';
