import { type DynamicModule, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigStore, UnannouncedChangeStore } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { log } from '@pns/runtime';
import { ConfigCascade } from './config-cascade';
import { ConfigChanges } from './config-changes';
import { ConfigDirectory } from './config-directory';
import { OptionFiles } from './option-files';

@Injectable()
class WatchedDirectory extends ConfigDirectory implements OnApplicationShutdown {
  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}

/** The cascade over the server's own files, which a change replaces whole, or not at all, and what Postgres holds. */
async function watchedCascade(directory: ConfigDirectory, store?: ConfigStore): Promise<ConfigCascade> {
  const cascade = new ConfigCascade(undefined, store);
  const readFiles = () => cascade.replaceFiles({ server: directory.serverScope(), sets: directory.contextSets() });
  await directory.watch();
  readFiles();
  directory.on('change', () => {
    try {
      readFiles();
      log.info({ event: 'config.reloaded' });
    } catch (error) {
      log.error({ event: 'config.reload-refused', reason: (error as Error).message });
    }
  });
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
      exports: [ConfigCascade, ConfigChanges, OptionFiles],
    };
  }
}
