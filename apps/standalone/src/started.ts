/** What a start has to undo when it fails, and a stop in any case: last things first. */
export class Started {
  private readonly undo: (() => unknown)[] = [];

  add(undo: () => unknown): void {
    this.undo.push(undo);
  }

  async stop(): Promise<void> {
    for (const step of this.undo.splice(0).reverse()) await step();
  }
}
