import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import type { ZodDto } from 'nestjs-zod';
import type { z } from 'zod';
import type { PnsErrorCode } from '@pns/runtime';
import { check, sentenceOf } from './faults';
import { RequestError } from './request-error';

const codes: Readonly<Record<ArgumentMetadata['type'], PnsErrorCode>> = {
  body: 'BODY_INVALID',
  query: 'QUERY_INVALID',
  param: 'PATH_INVALID',
  custom: 'INTERNAL',
};

const wholes: Readonly<Record<ArgumentMetadata['type'], string>> = {
  body: 'body',
  query: 'the query',
  param: 'the path',
  custom: 'the request',
};

/** Parses the parameters of each handler by their DTO. @throws RequestError when a parameter does not match its DTO. */
@Injectable()
export class RequestPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (!isDto(metatype)) return value;
    if (type === 'body' && value === undefined)
      throw new RequestError('BODY_MISSING', 'Send a body of application/json.');
    const checked = check(metatype.schema, value, wholes[type]);
    if (checked.ok) return checked.value;
    throw new RequestError(codes[type], sentenceOf(checked.faults), checked.faults);
  }
}

function isDto(metatype: unknown): metatype is ZodDto<z.ZodType> {
  return typeof metatype === 'function' && 'isZodDto' in metatype;
}
