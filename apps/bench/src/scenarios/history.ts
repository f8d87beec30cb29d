import type { Scenario, Side } from '../scenario';
import { throughPns } from './pipeline';

const recording = (mode: 'all' | 'failures' | 'none'): Side =>
  throughPns({ properties: { 'com.openexchange.pns.history': mode } });

/** The whole way of `pipeline` with a history, compared with the same without one. */
export const history: readonly Scenario[] = [
  {
    name: 'history-all',
    unit: 'notifications/s',
    ours: recording('all'),
    baseline: recording('none'),
    goal: { atLeast: 0.8 },
  },
  {
    name: 'history-failures',
    unit: 'notifications/s',
    ours: recording('failures'),
    baseline: recording('none'),
    goal: { atLeast: 0.97 },
  },
];
