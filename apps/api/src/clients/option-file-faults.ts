import { Injectable } from '@nestjs/common';
import { ClientOptions, type ClientOptionsFault } from '@pns/config-folder';

/** The faults in the option files that this process reads. */
@Injectable()
export class OptionFileFaults {
  constructor(private readonly clients: ClientOptions) {}

  /** The faults of all transports. */
  all(): readonly ClientOptionsFault[] {
    return this.clients.faults;
  }
}
