import { randomBytes } from 'node:crypto';

/** The name of this node. It is new at each start, because a process does not own the entries of an earlier process. */
export class NodeId {
  readonly id = randomBytes(6).toString('hex');
}
