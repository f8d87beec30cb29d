/** A fault on demand that holds as often as it was asked for. */
export class Faults<Fault extends { readonly times?: number | undefined }> {
  private fault: Fault | undefined;
  private left = 0;

  /** The fault that holds now and how often still; empty where there is none. */
  get current(): Partial<Fault> {
    if (this.fault === undefined || this.left === 0) return {};
    return { ...this.fault, ...(this.fault.times !== undefined && { times: this.left }) };
  }

  /** Without any field, there is no fault any more. */
  set(fault: Fault): void {
    this.fault = fault;
    this.left = Object.keys(fault).length === 0 ? 0 : (fault.times ?? Infinity);
  }

  /** What to do with the request that has just come, or undefined to behave. */
  take(): Fault | undefined {
    if (this.left === 0) return undefined;
    this.left--;
    return this.fault;
  }
}
