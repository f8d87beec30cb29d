/** A sender of one client, and whether its options are proven. */
export class ClientSender<Options, Sender> {
  /** Whether the provider has accepted a request with these options. */
  isProven = false;
  private inUse = 0;
  private onIdle: (() => void) | undefined;

  constructor(
    public options: Options,
    readonly madeFor: unknown,
    readonly sender: Sender,
  ) {}

  /** Keeps the sender open until `send` has settled. */
  async use<Answer>(send: (sender: Sender) => Promise<Answer>): Promise<Answer> {
    this.inUse++;
    try {
      return await send(this.sender);
    } finally {
      if (--this.inUse === 0) this.onIdle?.();
    }
  }

  /** Resolves when nothing uses the sender. */
  async idle(): Promise<void> {
    if (this.inUse > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }
}

/**
 * One sender (connections, token) for each client. It is created at the first delivery, and replaced when its options change. A
 * replaced sender is closed when its deliveries in progress have ended.
 */
export class PerClient<Options extends object, Sender extends { close(): void | Promise<void> }> {
  private readonly senders = new Map<string, ClientSender<Options, Sender>>();
  private readonly retired = new Set<Promise<void>>();

  constructor(
    private readonly make: (options: Options) => Sender,
    /** Returns a value that is equal (===) for options that can share a sender; by default the options object itself. */
    private readonly madeFor: (options: Options) => unknown = (options) => options,
  ) {}

  /** Returns the client's sender for these options; creates or replaces it if necessary. */
  of(client: string, options: Options): ClientSender<Options, Sender> {
    const known = this.senders.get(client);
    if (known?.options === options) return known;
    const madeFor = this.madeFor(options);
    if (known !== undefined && known.madeFor === madeFor) {
      known.options = options;
      return known;
    }
    const made = new ClientSender(options, madeFor, this.make(options));
    this.retire(client);
    this.senders.set(client, made);
    return made;
  }

  /** The client's sender if it has one. */
  peek(client: string): Sender | undefined {
    return this.senders.get(client)?.sender;
  }

  /** Closes the client's sender when its deliveries in progress have ended. */
  retire(client: string): void {
    const known = this.senders.get(client);
    if (known === undefined) return;
    this.senders.delete(client);
    const closed: Promise<void> = closeIdle(known).finally(() => this.retired.delete(closed));
    this.retired.add(closed);
  }

  /** Closes each sender when its deliveries in progress have ended. Resolves when all senders are closed. */
  async close(): Promise<void> {
    for (const client of this.senders.keys()) this.retire(client);
    await Promise.all(this.retired);
  }
}

async function closeIdle<Sender extends { close(): void | Promise<void> }>(
  retired: ClientSender<unknown, Sender>,
): Promise<void> {
  await retired.idle();
  await retired.sender.close();
}
