import { Injectable } from '@nestjs/common';
import { ConfigChanges, propertyText, type ConfigChange } from '@pns/config-cascade';
import { ConfigStore, type Expected, type PageRequest, type PropertyPlace } from '@pns/persistence';
import type { FastifyReply } from 'fastify';
import { RequestError } from '../http/request-error';
import { propertyView, type PropertyBody, type PropertyList, type PropertyView } from './config.dto';
import { FileScopes } from './file-scopes';
import { setEtag } from './version';

/** Reads and writes the properties of any scope, and announces changes to every process. */
@Injectable()
export class PropertyWrites {
  constructor(
    private readonly store: ConfigStore,
    private readonly changes: ConfigChanges,
    private readonly files: FileScopes,
  ) {}

  /** The properties at `place` that the API sets, and the properties of files that the API does not set. */
  async list(place: PropertyPlace, page: PageRequest): Promise<PropertyList> {
    const isInFiles = await this.isInFiles(place);
    const ofFiles = isInFiles ? this.files.properties(place) : [];
    const { items, nextCursor } = await this.store.propertiesPage(place, page, ofFiles);
    return {
      items: items.map((property) => propertyView(property, this.files.origin(place, property.name))),
      ...(nextCursor === undefined ? {} : { nextCursor }),
    };
  }

  /** Returns a property and sets its ETag. A property of a file has no version, because the API cannot change it. */
  async get(place: PropertyPlace, name: string, reply: FastifyReply): Promise<PropertyView> {
    const property = await this.store.property(place, name);
    if (property === undefined) {
      const ofFile = (await this.isInFiles(place)) ? this.files.property(place, name) : undefined;
      if (ofFile === undefined) throw notSet(name);
      return propertyView(ofFile, this.files.origin(place, name));
    }
    setEtag(reply, property.version);
    return propertyView(property);
  }

  async put(
    place: PropertyPlace,
    name: string,
    { value, final }: PropertyBody,
    expected: Expected | undefined,
    reply: FastifyReply,
  ): Promise<PropertyView> {
    const text = propertyText(name, value, place.scope);
    if (final !== undefined && place.scope === 'contextSet') {
      const errors = [{ field: 'final', message: 'cannot be set for a context set' }];
      throw new RequestError('BODY_INVALID', 'final cannot be set for a context set.', errors);
    }
    const property = { name, value: text, ...(final === undefined ? {} : { final }) };
    if (place.scope === 'contextSet') await this.assertNotInFilesOnly(place.set);
    const stored = await this.changes.make(changeOf(place), () => this.store.put(place, property, expected));
    setEtag(reply, stored.version);
    return propertyView(stored);
  }

  async remove(place: PropertyPlace, name: string, expected: Expected | undefined): Promise<void> {
    const isRemoved = await this.changes.make(changeOf(place), () => this.store.remove(place, name, expected));
    if (isRemoved) return;
    const ofFile = this.files.property(place, name);
    const where = this.files.origin(place, name);
    throw notSet(name, ofFile !== undefined && 'id' in where ? ` A file sets it (${where.id}); remove it there.` : '');
  }

  /**
   * Whether the properties of files are in effect at `place`.
   *
   * @throws RequestError `CONTEXT_SET_NOT_FOUND` for a context set that is neither stored nor in a file.
   */
  private async isInFiles(place: PropertyPlace): Promise<boolean> {
    if (place.scope !== 'contextSet') return true;
    if ((await this.store.contextSet(place.set)) !== undefined) return false; // the stored set replaces the set of a file
    if (this.files.set(place.set) !== undefined) return true;
    throw new RequestError('CONTEXT_SET_NOT_FOUND', 'There is no context set with this name.');
  }

  private async assertNotInFilesOnly(set: string): Promise<void> {
    const ofFile = this.files.set(set);
    if (ofFile === undefined || (await this.store.contextSet(set)) !== undefined) return;
    const sentence = `The file ${ofFile.file} defines the context set ${set}. Change it there, or replace it with PUT /v1/config/context-sets/${set}.`;
    throw new RequestError('CONTEXT_SET_NOT_FOUND', sentence);
  }
}

function changeOf(place: PropertyPlace): ConfigChange {
  return place.scope === 'context' || place.scope === 'user' ? place : { scope: 'server' };
}

function notSet(name: string, more = ''): RequestError {
  return new RequestError('PROPERTY_NOT_SET', `${name} is not set here.${more}`);
}
