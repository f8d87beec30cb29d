import { socketTargetOf } from '@pns/delivery';
import type { Delivery } from '@pns/transport-contract';
import { parkedMs } from '../registry/socket-rules';
import type { LocalSocket } from './local-socket';

/** Our clock may differ this much, in ms, from the clock of Redis, by which a delivery notes when the registry was read. */
const clockSkewMs = 10_000;

/** The sockets that this node holds, and those that closed recently. */
export class LocalSockets {
  private readonly perUser: PerUser = new Map();
  private readonly all = new Set<LocalSocket>();
  /** When each closed socket closed, in ms since the epoch; the earliest is first. */
  private readonly gone = new Map<LocalSocket, number>();
  private readonly gonePerUser: PerUser = new Map();

  get size(): number {
    return this.all.size;
  }

  [Symbol.iterator](): IterableIterator<LocalSocket> {
    return this.all.values();
  }

  add(socket: LocalSocket): void {
    this.all.add(socket);
    append(this.perUser, socket);
    const { context, user, client, connection } = socket.options;
    const before = this.gonePerUser
      .get(context)
      ?.get(user)
      ?.find(({ options }) => options.client === client && options.connection === connection);
    if (before !== undefined) this.forget(before); // from now on, deliveries on their way find the new socket
  }

  remove(socket: LocalSocket): void {
    if (!this.all.delete(socket)) return;
    remove(this.perUser, socket);
    if (socket.options.isAnonymous) return; // a client that comes back without an id cannot be distinguished from a new one
    this.gone.set(socket, Date.now());
    append(this.gonePerUser, socket);
    for (const [other, goneAt] of this.gone) {
      if (Date.now() - goneAt < parkedMs) break;
      this.forget(other);
    }
  }

  /** The sockets that a delivery is for: those of its client, except the one that caused it. */
  addressedBy(delivery: Delivery): LocalSocket[] {
    return addressed(this.perUser, delivery);
  }

  /** Whether a socket that a delivery was for may have closed while the delivery was on its way. */
  mayBeMissedBy(delivery: Delivery): boolean {
    if (this.gone.size === 0) return false;
    const since = (delivery.lookedAt ?? delivery.dueAt) - clockSkewMs;
    return addressed(this.gonePerUser, delivery).some((socket) => (this.gone.get(socket) ?? 0) >= since);
  }

  private forget(gone: LocalSocket): void {
    this.gone.delete(gone);
    remove(this.gonePerUser, gone);
  }
}

/** Sockets by context and user. */
type PerUser = Map<number, Map<number, LocalSocket[]>>;

function append(perUser: PerUser, socket: LocalSocket): void {
  const { context, user } = socket.options;
  const ofContext = perUser.get(context) ?? new Map<number, LocalSocket[]>();
  perUser.set(context, ofContext);
  const held = ofContext.get(user);
  if (held === undefined) ofContext.set(user, [socket]);
  else held.push(socket);
}

function remove(perUser: PerUser, socket: LocalSocket): void {
  const { context, user } = socket.options;
  const ofContext = perUser.get(context);
  if (ofContext === undefined) return;
  const left = ofContext.get(user)?.filter((other) => other !== socket) ?? [];
  if (left.length > 0) ofContext.set(user, left);
  else ofContext.delete(user);
  if (ofContext.size === 0) perUser.delete(context);
}

function addressed(perUser: PerUser, delivery: Delivery): LocalSocket[] {
  const { context, user, client, sourceToken } = delivery;
  const held = perUser.get(context)?.get(user);
  if (held === undefined) return [];
  const target = socketTargetOf(delivery);
  const only = target.kind === 'socket' ? target.connection : undefined;
  return held.filter(
    ({ options }) =>
      options.client === client &&
      options.connection !== sourceToken &&
      (only === undefined || options.connection === only),
  );
}
