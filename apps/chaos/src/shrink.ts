/**
 * Returns the smallest part of `all` that it finds and for which `isBad` returns true. `isBad` must return true for `all`.
 * Removes halves, then quarters and so on, in at most `mostRuns` calls of `isBad`.
 */
export async function shrink<Item>(
  all: readonly Item[],
  mostRuns: number,
  isBad: (some: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  let [left, runs] = [all, 0];
  for (let size = Math.ceil(all.length / 2); size >= 1 && left.length > 1;) {
    let isSmaller = false;
    for (let at = 0; at < left.length && runs < mostRuns; at += size) {
      const some = [...left.slice(0, at), ...left.slice(at + size)];
      if (some.length === 0) continue;
      runs++;
      if (!(await isBad(some))) continue;
      left = some;
      isSmaller = true;
      break;
    }
    if (runs >= mostRuns) break;
    if (!isSmaller) {
      if (size === 1) break;
      size = Math.ceil(size / 2);
    } else size = Math.min(size, Math.ceil(left.length / 2));
  }
  return left;
}
