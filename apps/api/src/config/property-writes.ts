import { Injectable } from '@nestjs/common';
import { ConfigChanges, propertyText, type ConfigChange } from '@pns/config-cascade';
import { ConfigStore, type Expected, type PageRequest, type PropertyPlace } from '@pns/persistence';
import type { FastifyReply } from 'fastify';
import { RequestError } from '../http/request-error';
import { propertyView, type PropertyBody, type PropertyList, type PropertyView } from './config.dto';
import { tellVersion } from './version';

/** Reads and writes the properties of a place, whichever scope it is in, and has every process obey. */
@Injectable()
export class PropertyWrites {
  constructor(
    private readonly store: ConfigStore,
    private readonly changes: ConfigChanges,
  ) {}

  async list(place: PropertyPlace, page: PageRequest): Promise<PropertyList> {
    await this.assertExists(place);
    const { items, nextCursor } = await this.store.propertiesPage(place, page);
    return { items: items.map(propertyView), ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  async get(place: PropertyPlace, name: string, reply: FastifyReply): Promise<PropertyView> {
    const property = await this.store.property(place, name);
    if (property === undefined) throw notSet(name);
    tellVersion(reply, property.version);
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
    const stored = await this.changes.make(changeOf(place), () => this.store.put(place, property, expected));
    tellVersion(reply, stored.version);
    return propertyView(stored);
  }

  async remove(place: PropertyPlace, name: string, expected: Expected | undefined): Promise<void> {
    const isRemoved = await this.changes.make(changeOf(place), () => this.store.remove(place, name, expected));
    if (!isRemoved) throw notSet(name);
  }

  private async assertExists(place: PropertyPlace): Promise<void> {
    if (place.scope !== 'contextSet' || (await this.store.contextSet(place.set)) !== undefined) return;
    throw new RequestError('CONTEXT_SET_NOT_FOUND', 'There is no context set of this name.');
  }
}

function changeOf(place: PropertyPlace): ConfigChange {
  return place.scope === 'context' || place.scope === 'user' ? place : { scope: 'server' };
}

function notSet(name: string): RequestError {
  return new RequestError('PROPERTY_NOT_SET', `${name} is not set here.`);
}
