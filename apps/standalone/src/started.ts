/** Functions that undo the steps of a start. `stop` calls them in reverse order, also after a failed start. */
export class Started {
  private readonly undo: (() => unknown)[] = [];

  add(undo: () => unknown): void {
    this.undo.push(undo);
  }

  async stop(): Promise<void> {
    for (const step of this.undo.splice(0).reverse()) await step();
  }
}
