import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigDirectory, ConfigFolderModule, ServerChanges } from '@pns/config-folder';
import { ConfigStore, PendingChangeStore } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { ConfigCascade } from './config-cascade';
import { ConfigChanges } from './config-changes';
import { CascadeFiles, type FolderScopes } from './cascade-files';

/** Creates the cascade from the configuration folder and the values in Postgres. Applies later changes of the folder. */
async function watchedCascade(directory: ConfigDirectory<FolderScopes>, store?: ConfigStore): Promise<ConfigCascade> {
  const cascade = new ConfigCascade(undefined, store);
  await directory.watch();
  cascade.replaceFiles(directory.content);
  directory.on('change', () => cascade.replaceFiles(directory.content));
  await cascade.refresh();
  return cascade;
}

/**
 * Provides the cascade and the option files of `configDir`. If the app has `PersistenceModule`, the cascade includes values in
 * Postgres. If it also has `QueueModule`, changes are announced and received.
 */
@Module({})
export class ConfigCascadeModule {
  static forRoot({ configDir }: { configDir: string }): DynamicModule {
    return {
      module: ConfigCascadeModule,
      global: true,
      imports: [ConfigFolderModule.forRoot(configDir, () => new CascadeFiles())],
      providers: [
        {
          provide: ConfigCascade,
          inject: [ConfigDirectory, { token: ConfigStore, optional: true }],
          useFactory: watchedCascade,
        },
        {
          provide: ConfigChanges,
          inject: [ConfigCascade, { token: Queues, optional: true }, { token: PendingChangeStore, optional: true }],
          useFactory: (cascade: ConfigCascade, queues?: Queues, pendingChanges?: PendingChangeStore) =>
            queues && pendingChanges && new ConfigChanges(cascade, queues, pendingChanges),
        },
        { provide: ServerChanges, useExisting: ConfigCascade },
      ],
      exports: [ConfigCascade, ConfigChanges, ServerChanges],
    };
  }
}
