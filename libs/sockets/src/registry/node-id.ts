import { randomBytes } from 'node:crypto';

/** The name of this node, new at each start: what an earlier process left behind does not count as its own. */
export class NodeId {
  readonly id = randomBytes(6).toString('hex');
}
