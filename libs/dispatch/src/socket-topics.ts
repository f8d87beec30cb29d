/** The topics that the sockets of each client subscribe to. The app provides them, because a stage must not import a transport. */
export abstract class SocketTopics {
  /** Whether sockets of `client` get notifications of `topic`. */
  abstract wants(client: string, topic: string): boolean;
}
