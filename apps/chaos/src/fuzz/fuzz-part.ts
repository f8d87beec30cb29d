import type fc from 'fast-check';

/** An input that broke a rule. */
export interface Finding {
  readonly part: string;
  /** The broken rule, as a sentence. */
  readonly fault: string;
  readonly input: unknown;
}

/** One kind of hostile input, and its rules. Inputs are JSON values, so that a corpus file can contain them; bytes are Latin-1 text. */
export interface FuzzPart<Input> {
  readonly name: string;
  /** Its share of the inputs of a run, relative to the other parts. */
  readonly weight: number;
  readonly inputs: fc.Arbitrary<Input>;
  /** Sends the inputs to PNS or its parsers. Resolves with a finding for each broken rule. */
  tryAll(inputs: readonly Input[]): Promise<Finding[]>;
}

/** The most inputs of one call of `tryAll`. */
export const batchSize = 2000;

/** Calls `run` for each input, at most `atOnce` at the same time. */
export async function forEachOf<Input>(
  inputs: readonly Input[],
  atOnce: number,
  run: (input: Input) => Promise<void>,
): Promise<void> {
  const queue = [...inputs];
  const next = async (): Promise<void> => {
    for (let input = queue.shift(); input !== undefined; input = queue.shift()) await run(input);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}
