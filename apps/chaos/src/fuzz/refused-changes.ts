import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@pns/local-servers/waiting';
import { forEachOf } from './fuzz-part';
import { differences, type StoredState } from './stored-state';

interface RefusedChange<Input> {
  readonly input: Input;
  readonly fault: string;
}

/**
 * Repeats refused requests and resolves with those that changed the stored state. `isRefused` sends a request and resolves with
 * whether it was refused again. Earlier requests may still change the state in the background, so a change counts only if one
 * request, sent alone, causes it again.
 */
export async function refusedChanges<Input>(
  state: StoredState,
  refused: readonly Input[],
  isRefused: (input: Input) => Promise<boolean>,
): Promise<RefusedChange<Input>[]> {
  let digest = await state.digest();
  let left = refused;
  for (;;) {
    const again: Input[] = [];
    await forEachOf(left, 16, async (input) => {
      if (await isRefused(input)) again.push(input);
    });
    const before = digest;
    digest = await state.digest();
    if (differences(before, digest).length === 0) return [];
    // A request that was accepted this time explains the difference, so only the refused requests are repeated.
    if (again.length === left.length) return changing(state, again, isRefused);
    left = again;
  }
}

/** Finds the requests that change the stored state: halves each group that changes the state until one request remains. */
async function changing<Input>(
  state: StoredState,
  inputs: readonly Input[],
  isRefused: (input: Input) => Promise<boolean>,
): Promise<RefusedChange<Input>[]> {
  const [first] = inputs;
  if (first === undefined) return [];
  if (inputs.length === 1) {
    const changed = await changedAlone(state, first, isRefused);
    return changed.length === 0 ? [] : [{ input: first, fault: `A refused request changed ${changed.join(', ')}.` }];
  }
  const before = await settledDigest(state);
  for (const input of inputs) await isRefused(input);
  if (differences(before, await settledDigest(state)).length === 0) return [];
  const middle = Math.ceil(inputs.length / 2);
  const found = await changing(state, inputs.slice(0, middle), isRefused);
  return [...found, ...(await changing(state, inputs.slice(middle), isRefused))];
}

/** Sends a request twice. Returns the changed parts if some change each time, because background work changes parts only once. */
async function changedAlone<Input>(
  state: StoredState,
  input: Input,
  isRefused: (input: Input) => Promise<boolean>,
): Promise<readonly string[]> {
  let changed: readonly string[] = [];
  for (let time = 0; time < 2; time++) {
    const before = await settledDigest(state);
    if (!(await isRefused(input))) return [];
    changed = differences(before, await settledDigest(state));
    if (changed.length === 0) return [];
  }
  return changed;
}

/** The state is settled if two digests with this pause between them, in ms, are equal. */
const pauseMs = 200;

/** Waits for the end of the background work of earlier requests, and returns a digest. */
async function settledDigest(state: StoredState): Promise<ReadonlyMap<string, string>> {
  let digest = await state.digest();
  return eventually('nothing changes the stored state', async () => {
    await pause(pauseMs);
    const next = await state.digest();
    const isSettled = differences(digest, next).length === 0;
    digest = next;
    return isSettled ? digest : undefined;
  });
}
