/** A fault that is applied a given number of times. */
export class Faults<Fault extends { readonly times?: number | undefined }> {
  private fault: Fault | undefined;
  private left = 0;

  /** The current fault and its remaining count; empty if there is none. */
  get current(): Partial<Fault> {
    if (this.fault === undefined || this.left === 0) return {};
    return { ...this.fault, ...(this.fault.times !== undefined && { times: this.left }) };
  }

  /** Replaces the current fault; a fault without fields removes it. */
  set(fault: Fault): void {
    this.fault = fault;
    this.left = Object.keys(fault).length === 0 ? 0 : (fault.times ?? Infinity);
  }

  /** The fault for the next request; undefined if there is none. */
  take(): Fault | undefined {
    if (this.left === 0) return undefined;
    this.left--;
    return this.fault;
  }
}
