/** The second generation of the client brings no types of its own; this much of it is used. */
declare module 'socket.io-client-v2' {
  interface Socket {
    readonly connected: boolean;
    on(name: string, listener: (...args: unknown[]) => void): this;
    open(): this;
    close(): this;
    /** Takes every event, before those who listen to it. */
    onevent: (packet: { data: unknown[] }) => void;
  }
  function io(url: string, options: Readonly<Record<string, unknown>>): Socket;
  export = io;
}
