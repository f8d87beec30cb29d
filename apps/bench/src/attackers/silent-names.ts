// This file is preloaded into the process under attack. The process then resolves names with the name server in
// SILENT_NAME_SERVER, which never answers.
import promises from 'node:dns/promises';
import { silentNameServer } from '../env';

const { Resolver } = promises;
const server = silentNameServer();

promises.Resolver = class extends Resolver {
  constructor(...options: ConstructorParameters<typeof Resolver>) {
    super(...options);
    this.setServers([server]);
  }
};
