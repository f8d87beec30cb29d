import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { UsageError } from './env';

/** A JSON object as it was given. Its text is sent, because JavaScript rounds numbers and drops repeated names without an error. */
export interface JsonObjectText {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Reads a JSON object from the option itself, from the file `@name`, or from standard input for `-`. */
export function jsonObjectText(option: string): JsonObjectText {
  const text = option === '-' || option.startsWith('@') ? textOf(option) : option;
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidArgumentError('Give a JSON object.');
  return { text, value: value as Record<string, unknown> };
}

/** The JSON of `object`, which must not be empty, with one more member whose JSON is `text`. */
export function withMember(object: object, name: string, text: string): string {
  return `${JSON.stringify(object).slice(0, -1)},${JSON.stringify(name)}:${text}}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new InvalidArgumentError(`This is not JSON: ${(error as Error).message}.`);
  }
}

function textOf(option: string): string {
  const bytes = bytesOf(option === '-' ? 0 : option.slice(1));
  if (!isUtf8(bytes)) throw new InvalidArgumentError('This is not UTF-8; save it as UTF-8.');
  return bytes.toString().replace(/^\ufeff/, '');
}

function bytesOf(file: string | 0): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
