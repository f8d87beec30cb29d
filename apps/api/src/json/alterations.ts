import { isUtf8 } from 'node:buffer';
import { cutText, ellipsis } from '@pns/payloads';
import { visit, type JSONPath } from 'jsonc-parser';
import type { Fault } from '../http/faults';
import { isExactNumber } from './exact-number';

/** Maximum number of reported faults. More faults would not help the sender. */
const maxFaults = 10;

/** A fault quotes at most this many bytes of a member's name, because the name may have any length. */
const maxNameLength = 100;

/** Half of a surrogate pair. */
const surrogate = /\p{Cs}/u;

/** Setting this member sets the prototype of an object, so a copy of an object loses the member. */
const reservedName = '__proto__';

/**
 * Finds the parts of a valid JSON text that JavaScript cannot send unchanged: inexact numbers, text that is not Unicode, and
 * members with a reserved or repeated name. `whole` names the value itself.
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
        faults.add(path(), 'contains half a surrogate pair, which is not Unicode');
      }
      if (typeof value === 'number' && !isExactNumber(text.slice(offset, offset + length))) {
        const number = value === 0 && text[offset] === '-' ? 'a negative zero, which' : 'a number that';
        faults.add(path(), `is ${number} cannot be sent unchanged; send it as text`);
      }
    },
  });
  return faults.list;
}

/** Finds texts that are not UTF-8. Reads the bytes as Latin-1, so that an offset in the text is an offset in the bytes. */
function textsThatAreNotUtf8(bytes: Buffer, whole: string): Fault[] {
  const faults = new FaultList(whole);
  const isValid = (offset: number, length: number) => isUtf8(bytes.subarray(offset, offset + length));
  visit(bytes.toString('latin1'), {
    onObjectProperty: (name, offset, length, _line, _character, path) => {
      if (!isValid(offset, length)) faults.add([...path(), name], 'has a name that is not UTF-8');
    },
    onLiteralValue: (_value: unknown, offset, length, _line, _character, path) => {
      if (!isValid(offset, length)) faults.add(path(), 'is not UTF-8');
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
