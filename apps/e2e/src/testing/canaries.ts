import { randomBytes } from 'node:crypto';

/** Where PNS stores or returns values. */
export type Store = 'redis' | 'postgres' | 'answers';

interface Place {
  readonly value: string;
  /** The stores that may contain the value as plain text. */
  readonly inClear: readonly Store[];
}

/** Tokens that PNS or an identity provider signs. */
const signedToken = /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/;

/** Values by the places where they go into PNS. They can be searched in a text. */
export class Canaries {
  private readonly places = new Map<string, Place>();

  /** Notes a value that another party made. */
  note(place: string, value: string, inClear: readonly Store[] = []): string {
    this.places.set(place, { value, inClear });
    return value;
  }

  /** Makes a value that appears nowhere else. It has only letters and digits, so that most encodings do not change it. */
  make(place: string, inClear: readonly Store[] = []): string {
    return this.note(place, `Canary${randomBytes(16).toString('hex')}`, inClear);
  }

  /** Notes a line from the middle of a key in PEM. */
  noteKey(place: string, pem: string): void {
    this.note(place, pem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line))[1] ?? '');
  }

  get size(): number {
    return this.places.size;
  }

  /** The places whose values are too short for a search. */
  get tooShort(): string[] {
    return [...this.places].filter(([, { value }]) => value.length < 10).map(([place]) => place);
  }

  valuesOf(placesBegin: string): readonly (readonly [place: string, value: string])[] {
    return [...this.places]
      .filter(([place]) => place.startsWith(placesBegin))
      .map(([place, { value }]) => [place, value]);
  }

  /** The places whose values the text contains, in clear or in a form that anybody can read. */
  in(text: string): string[] {
    const found = this.found(text, () => false);
    return signedToken.test(text) ? [...found, 'a signed token'] : found;
  }

  /** The places whose values a store contains although they must be encrypted, hashed or absent there. */
  inStore(store: Store, text: string): string[] {
    return this.found(text, ({ inClear }) => inClear.includes(store));
  }

  private found(text: string, isAllowed: (place: Place) => boolean): string[] {
    return [...this.places]
      .filter(([, place]) => !isAllowed(place) && formsOf(place.value).some((form) => text.includes(form)))
      .map(([place]) => place);
  }
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [value, bytes.toString('hex'), bytes.toString('base64'), encodeURIComponent(value)];
}
