import type { Scenario } from '../scenario';
import { apns } from './apns';
import { cluster } from './cluster';
import { dispatch } from './dispatch';
import { growth } from './growth';
import { history } from './history';
import { hostileTenant } from './hostile-tenant';
import { ingest } from './ingest';
import { ingestSingle } from './ingest-single';
import { latency } from './latency';
import { lateness } from './lateness';
import { nchan } from './nchan';
import { pipeline } from './pipeline';
import { resolver } from './resolver';
import { slowFarSide } from './slow-far-side';
import { sockets } from './sockets';
import { webhook } from './webhook';
import { webpush } from './webpush';
import { websocket } from './websocket';

/** All scenarios, in the order of the stages of a notification. */
export const scenarios: readonly Scenario[] = [
  ingest,
  ingestSingle,
  ...resolver,
  growth,
  dispatch,
  websocket,
  nchan,
  sockets,
  webhook,
  apns,
  webpush,
  ...slowFarSide,
  latency,
  ...lateness,
  hostileTenant,
  pipeline,
  ...history,
  cluster,
];
