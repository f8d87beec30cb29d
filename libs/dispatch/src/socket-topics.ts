/** What the sockets of each client subscribe to. An app provides it, because a stage knows no transport. */
export abstract class SocketTopics {
  /** Whether sockets of `client` get notifications of `topic`. */
  abstract wants(client: string, topic: string): boolean;
}
