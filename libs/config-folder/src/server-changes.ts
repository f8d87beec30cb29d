/** Reports each change of the configuration that concerns the whole server. The cascade does so. */
export abstract class ServerChanges {
  /** Calls `listener` after each change until the returned function is called. If it returns a promise, the change waits for it. */
  abstract onChange(listener: () => unknown): () => void;
}
