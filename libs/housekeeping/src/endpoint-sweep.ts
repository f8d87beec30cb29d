import { Injectable } from '@nestjs/common';
import { EndpointStore } from '@pns/persistence';

/** A state that ended stays for this time, in ms, so that every worker reads the change. */
const keepForMs = 3_600_000;

/** Maximum number of endpoints of one statement, so that it holds its locks only for some milliseconds. */
const endpointsPerRemoval = 1000;

/** Removes the states of endpoints that work again or have no subscription any more. */
@Injectable()
export class EndpointSweep {
  constructor(private readonly endpoints: EndpointStore) {}

  async sweep(now = Date.now()): Promise<void> {
    let portion = endpointsPerRemoval;
    while (portion === endpointsPerRemoval) {
      portion = await this.endpoints.removeEnded(now - keepForMs, endpointsPerRemoval);
    }
  }
}
