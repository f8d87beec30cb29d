import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigCascade, OptionFiles } from '@pns/config-cascade';
import { ClientTransportStore } from '@pns/persistence';
import { ClientOptions } from './client-options';

/** Gives an app the options of clients; needs `ConfigCascadeModule` and `PersistenceModule` with its encryption keys. */
@Module({
  providers: [
    {
      provide: ClientOptions,
      inject: [OptionFiles, ClientTransportStore, ConfigCascade],
      useFactory: (files: OptionFiles, store: ClientTransportStore, cascade: ConfigCascade) =>
        ClientOptions.open(files, store, cascade),
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
