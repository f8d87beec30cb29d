/** Version 2 of the client has no types. These are the parts that the tests use. */
declare module 'socket.io-client-v2' {
  interface Socket {
    readonly connected: boolean;
    on(name: string, listener: (...args: unknown[]) => void): this;
    open(): this;
    close(): this;
    /** Called with every event, before the listeners of the event. */
    onevent: (packet: { data: unknown[] }) => void;
  }
  function io(url: string, options: Readonly<Record<string, unknown>>): Socket;
  export = io;
}
