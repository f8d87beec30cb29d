import { randomBytes } from 'node:crypto';

/** The name of this node, new at each start: a process does not own the entries of an earlier one. */
export class NodeId {
  readonly id = randomBytes(6).toString('hex');
}
