/** Reports each change of the configuration that concerns the whole server. `ConfigCascade` implements it. */
export abstract class ServerChanges {
  /** Calls `listener` after each change, until the returned function is called. The change waits for a returned promise. */
  abstract onChange(listener: () => unknown): () => void;
}
