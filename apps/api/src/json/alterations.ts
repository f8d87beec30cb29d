import { isUtf8 } from 'node:buffer';
import { cutText, ellipsis } from '@pns/payloads';
import { visit, type JSONPath } from 'jsonc-parser';
import type { Fault } from '../http/faults';
import { isExactNumber } from './exact-number';

/** More faults of one text do not help its sender. */
const maxFaults = 10;

/** A name of a member may have any length; so many bytes of it are quoted. */
const maxNameLength = 100;

/** Half of a surrogate pair. */
const surrogate = /\p{Cs}/u;

/** Copying an object member by member loses this one: it sets the prototype. */
const reservedName = '__proto__';

/**
 * Names what of a valid JSON text would not be sent as it was posted: numbers that JavaScript alters, text that is not
 * Unicode, and members that are reserved or occur twice. `whole` names the value itself.
 */
export function alterationsIn(bytes: Buffer, whole: string): Fault[] {
  return isUtf8(bytes) ? alteredValues(bytes.toString(), whole) : textsThatAreNotUtf8(bytes, whole);
}

function alteredValues(text: string, whole: string): Fault[] {
  const faults = new FaultList(whole);
  const namesOfOpenObjects: Set<string>[] = [];
  visit(text, {
    onObjectBegin: () => void namesOfOpenObjects.push(new Set()),
    onObjectEnd: () => void namesOfOpenObjects.pop(),
    onObjectProperty: (name, _offset, _length, _line, _character, path) => {
      const names = namesOfOpenObjects.at(-1);
      if (name === reservedName) faults.add([...path(), name], 'is a reserved name');
      else if (surrogate.test(name)) faults.add([...path(), name], 'has half a surrogate pair in its name');
      else if (names?.has(name) === true) faults.add([...path(), name], 'occurs twice');
      names?.add(name);
    },
    onLiteralValue: (value: unknown, offset, length, _line, _character, path) => {
      if (typeof value === 'string' && surrogate.test(value)) {
        faults.add(path(), 'holds half a surrogate pair, which is not Unicode');
      }
      if (typeof value === 'number' && !isExactNumber(text.slice(offset, offset + length))) {
        const number = value === 0 && text[offset] === '-' ? 'a negative zero, which' : 'a number that';
        faults.add(path(), `is ${number} cannot be sent unchanged; send it as text`);
      }
    },
  });
  return faults.list;
}

/** One character for each byte, so that offsets are the same in both. */
function textsThatAreNotUtf8(bytes: Buffer, whole: string): Fault[] {
  const faults = new FaultList(whole);
  const isGood = (offset: number, length: number) => isUtf8(bytes.subarray(offset, offset + length));
  visit(bytes.toString('latin1'), {
    onObjectProperty: (name, offset, length, _line, _character, path) => {
      if (!isGood(offset, length)) faults.add([...path(), name], 'has a name that is not UTF-8');
    },
    onLiteralValue: (_value: unknown, offset, length, _line, _character, path) => {
      if (!isGood(offset, length)) faults.add(path(), 'is not UTF-8');
    },
  });
  return faults.list;
}

class FaultList {
  readonly list: Fault[] = [];

  constructor(private readonly whole: string) {}

  add(path: JSONPath, message: string): void {
    if (this.list.length >= maxFaults) return;
    const names = path.map((name) => cutText(String(name), maxNameLength, { ending: ellipsis }));
    this.list.push({ field: names.join('.') || this.whole, message });
  }
}
