import { shortTurn } from './turns';

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Starts a count of the turns of the event loop, and returns a function that reads it. */
function turnsSoFar(): () => number {
  let turns = 0;
  const count = (): void => {
    turns++;
    setImmediate(count).unref();
  };
  setImmediate(count).unref();
  return () => turns;
}

async function pieces(ms: readonly number[], turns: () => number): Promise<number[]> {
  const at: number[] = [];
  for (const each of ms) {
    const turn = shortTurn();
    if (turn !== undefined) await turn;
    at.push(turns());
    work(each);
  }
  return at;
}

it('divides the pieces of one caller, and those of callers that become ready in the same turn', async () => {
  const turns = turnsSoFar();
  const long = [20, 20, 20];
  const starts = await Promise.all([pieces(long, turns), pieces(long, turns), pieces(long, turns)]);
  expect(new Set(starts.flat()).size).toBe(9);
});

it('does not wait before the first piece of a turn', async () => {
  const first = await new Promise((resolve) => setImmediate(() => resolve({ turn: shortTurn() })));
  expect(first).toEqual({ turn: undefined });
});
