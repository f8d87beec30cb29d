// Preloaded into the process under attack: names are asked of the name server in SILENT_NAME_SERVER, which never answers.
import promises from 'node:dns/promises';

const { Resolver } = promises;
const server = process.env['SILENT_NAME_SERVER'] ?? '';

promises.Resolver = class extends Resolver {
  constructor(...options: ConstructorParameters<typeof Resolver>) {
    super(...options);
    this.setServers([server]);
  }
};
