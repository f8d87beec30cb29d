import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ClientTransportStore } from '@pns/persistence';
import { ClientOptions } from './client-options';
import { OptionFiles } from './option-files';
import { ServerChanges } from './server-changes';

/** Provides the options of clients; needs `ConfigFolderModule`, `ServerChanges` and `PersistenceModule` with its encryption keys. */
@Module({
  providers: [
    {
      provide: ClientOptions,
      inject: [OptionFiles, ClientTransportStore, ServerChanges],
      useFactory: (files: OptionFiles, store: ClientTransportStore, changes: ServerChanges) =>
        ClientOptions.open(files, store, changes),
    },
  ],
  exports: [ClientOptions],
})
export class ClientOptionsModule implements OnApplicationShutdown {
  constructor(@Inject(ClientOptions) private readonly options: ClientOptions) {}

  onApplicationShutdown(): void {
    this.options.close();
  }
}
