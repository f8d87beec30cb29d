import { randomBytes } from 'node:crypto';

/** The name of this node, new at every start: what an earlier process left behind is never mistaken for its own. */
export class NodeId {
  readonly id = randomBytes(6).toString('hex');
}
