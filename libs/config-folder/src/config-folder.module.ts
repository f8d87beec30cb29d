import { type DynamicModule, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigDirectory } from './config-directory';
import type { FolderReader } from './folder-reader';
import { OptionFiles } from './option-files';

@Injectable()
class WatchedDirectory<Content> extends ConfigDirectory<Content> implements OnApplicationShutdown {
  onApplicationShutdown(): void {
    this.close();
  }
}

/** Provides the configuration folder `configDir` and its option files; `reader` reads the other files. */
@Module({})
export class ConfigFolderModule {
  static forRoot<Content>(configDir: string, reader: () => FolderReader<Content>): DynamicModule {
    return {
      module: ConfigFolderModule,
      global: true,
      providers: [
        { provide: ConfigDirectory, useFactory: () => new WatchedDirectory(configDir, reader) },
        {
          provide: OptionFiles,
          inject: [ConfigDirectory],
          useFactory: (directory: ConfigDirectory) => new OptionFiles(directory),
        },
      ],
      exports: [ConfigDirectory, OptionFiles],
    };
  }
}
