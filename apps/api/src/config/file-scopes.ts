import { Injectable } from '@nestjs/common';
import type { FolderScopes, Origin } from '@pns/config-cascade';
import { ConfigDirectory, type ConfigFault } from '@pns/config-folder';
import type { PropertyPlace, StoredProperty } from '@pns/persistence';

/** A context set that a file defines, as in the list of context sets. */
interface FileSet {
  readonly name: string;
  readonly rank: number;
  readonly withTags: string;
  readonly file: string;
}

/** The properties and context sets from the configuration folder, for routes that show them together with those of the API. */
@Injectable()
export class FileScopes {
  constructor(private readonly directory: ConfigDirectory<FolderScopes>) {}

  get faults(): readonly ConfigFault[] {
    return this.directory.faults;
  }

  /** The context sets, in the order in which they are tried. */
  get sets(): readonly FileSet[] {
    return this.directory.content.sets.map(({ name, rank, tagText, file }) => ({
      name,
      rank,
      withTags: tagText,
      file,
    }));
  }

  /** The first set with this name. */
  set(name: string): FileSet | undefined {
    return this.sets.find((each) => each.name === name);
  }

  /** The properties that files set at a place. Files can set them for the server and for context sets. */
  properties(place: PropertyPlace): readonly Pick<StoredProperty, 'name' | 'value'>[] {
    return [...(this.valuesAt(place) ?? [])].map(([name, value]) => ({ name, value }));
  }

  property(place: PropertyPlace, name: string): Pick<StoredProperty, 'name' | 'value'> | undefined {
    const value = this.valuesAt(place)?.get(name);
    return value === undefined ? undefined : { name, value };
  }

  /** The origin of a property that a file sets at a place. */
  origin({ scope, ...place }: PropertyPlace, name: string): Origin {
    const id = 'set' in place ? place.set : this.directory.content.server.sources?.get(name);
    return id === undefined ? { scope } : { scope, id };
  }

  private valuesAt(place: PropertyPlace): ReadonlyMap<string, string> | undefined {
    const { server, sets } = this.directory.content;
    if (place.scope === 'server') return server.values;
    return place.scope === 'contextSet' ? sets.find(({ name }) => name === place.set)?.values : undefined;
  }
}
