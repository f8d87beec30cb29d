import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@pns/local-servers/waiting';
import { forEachOf } from './fuzz-part';
import { differences, type StoredState } from './stored-state';

export interface RefusedChange<Input> {
  readonly input: Input;
  readonly fault: string;
}

/**
 * Repeats refused requests and resolves with those that changed the stored state. `isRefused` sends one and resolves with whether it
 * was refused again. Earlier requests may still change the state in the background, so a change counts only if one request, sent
 * alone, causes it again.
 */
export async function refusedChanges<Input>(
  state: StoredState,
  refused: readonly Input[],
  isRefused: (input: Input) => Promise<boolean>,
): Promise<RefusedChange<Input>[]> {
  const before = await state.digest();
  const again: Input[] = [];
  await forEachOf(refused, 16, async (input) => {
    if (await isRefused(input)) again.push(input);
  });
  const changed = differences(before, await state.digest());
  // A request that was accepted this time may explain the difference, so each one is checked alone.
  if (changed.length === 0) return [];
  const found: RefusedChange<Input>[] = [];
  for (const input of again) {
    if (await changesAlone(state, input, isRefused)) {
      found.push({ input, fault: `A refused request changed ${changed.join(', ')}.` });
    }
  }
  return found;
}

/** Twice, because a change in the background can happen at the same time once. */
async function changesAlone<Input>(
  state: StoredState,
  input: Input,
  isRefused: (input: Input) => Promise<boolean>,
): Promise<boolean> {
  for (let time = 0; time < 2; time++) {
    const before = await settledDigest(state);
    if (!(await isRefused(input))) return false;
    if (differences(before, await settledDigest(state)).length === 0) return false;
  }
  return true;
}

/** Two digests with this pause between them must be equal, in ms. */
const pauseMs = 200;

/** A digest after the background work of earlier requests. */
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
