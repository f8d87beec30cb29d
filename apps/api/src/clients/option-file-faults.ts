import { Injectable } from '@nestjs/common';
import { ClientOptions, type ClientOptionsFault } from '@pns/config-folder';

/** What is wrong with the option files that this process reads. */
@Injectable()
export class OptionFileFaults {
  constructor(private readonly clients: ClientOptions) {}

  /** Those of all transports. */
  all(): readonly ClientOptionsFault[] {
    return this.clients.faults;
  }
}
