import { type DynamicModule, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigStore, UnannouncedChangeStore } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { ConfigCascade } from './config-cascade';
import { ConfigChanges } from './config-changes';
import { ConfigDirectory } from './config-directory';
import { OptionFiles } from './option-files';

@Injectable()
class WatchedDirectory extends ConfigDirectory implements OnApplicationShutdown {
  onApplicationShutdown(): void {
    this.close();
  }
}

/** The cascade over the server's own files and what Postgres holds. */
async function watchedCascade(directory: ConfigDirectory, store?: ConfigStore): Promise<ConfigCascade> {
  const cascade = new ConfigCascade(undefined, store);
  await directory.watch();
  cascade.replaceFiles(directory.scopes);
  directory.on('change', () => cascade.replaceFiles(directory.scopes));
  await cascade.refresh();
  return cascade;
}

/**
 * Gives an app the cascade and the option files of `configDir`. What is set in Postgres counts where the app has
 * `PersistenceModule`, and changes are heard of where it has `QueueModule` as well.
 */
@Module({})
export class ConfigCascadeModule {
  static forRoot({ configDir }: { configDir: string }): DynamicModule {
    return {
      module: ConfigCascadeModule,
      global: true,
      providers: [
        { provide: ConfigDirectory, useFactory: () => new WatchedDirectory(configDir) },
        {
          provide: ConfigCascade,
          inject: [ConfigDirectory, { token: ConfigStore, optional: true }],
          useFactory: watchedCascade,
        },
        {
          provide: ConfigChanges,
          inject: [ConfigCascade, { token: Queues, optional: true }, { token: UnannouncedChangeStore, optional: true }],
          useFactory: (cascade: ConfigCascade, queues?: Queues, unannounced?: UnannouncedChangeStore) =>
            queues && unannounced && new ConfigChanges(cascade, queues, unannounced),
        },
        {
          provide: OptionFiles,
          inject: [ConfigDirectory],
          useFactory: (directory: ConfigDirectory) => new OptionFiles(directory),
        },
      ],
      exports: [ConfigCascade, ConfigChanges, ConfigDirectory, OptionFiles],
    };
  }
}
