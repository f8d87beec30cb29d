import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { batchSize, type FuzzPart } from './fuzz-part';

/** The inputs of the batch with this number. The same seed, part and number always give the same inputs. */
export function batchOf<Input>(part: FuzzPart<Input>, seed: number, number: number, length = batchSize): Input[] {
  const digest = createHash('sha256').update(`${seed} ${part.name} ${number}`).digest();
  const inputs = fc.sample(part.inputs, { seed: digest.readInt32BE(), numRuns: batchSize });
  // Converts the inputs as if they had been read from a corpus file.
  return inputs.slice(0, length).map((input) => JSON.parse(JSON.stringify(input)) as Input);
}
