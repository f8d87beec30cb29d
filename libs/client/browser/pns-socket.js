/* global crypto, clearTimeout */

/** PNS deletes the entry of a socket that has been away for this time, and then sends nothing that the socket missed. */
const forgottenAfterMs = 240_000;
const longestWaitMs = 30_000;
/** If a socket was open for longer than this, the next attempt to connect is made at once. */
const healthyMs = 10_000;
/** How many ids are kept to recognize a repeated notification: more than a mailbox of PNS holds. */
const rememberedIds = 2000;

/** A random id. A page without TLS has no `randomUUID`. */
const randomId = () => crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);

/**
 * Opens a Web Socket of PNS with `io` of Socket.IO 4, and keeps it open. The options are described in pns-socket.d.ts.
 */
export function pnsSocket(io, url, options) {
  const { path = '/socket.io/appsuite/', connection = randomId() } = options;
  const { session, onNotification, refresh = () => {}, onState = () => {} } = options;
  const ids = new Set();
  let token;
  let openedAt;
  let heardAt;
  let waitMs = 0;
  let timer;
  let isClosed = false;

  const socket = io(url, {
    path,
    transports: ['websocket'],
    forceNew: true,
    autoConnect: false,
    query: { connection, meta: 1 },
    auth: (give) => give({ token }),
  });

  async function open() {
    try {
      token ??= await session();
      if (!isClosed) socket.connect();
    } catch (error) {
      onState(false, error.message);
      openLater();
    }
  }

  function openLater() {
    if (isClosed) return;
    timer = setTimeout(open, waitMs * (0.5 + Math.random() / 2));
    waitMs = Math.min(Math.max(1000, 2 * waitMs), longestWaitMs);
  }

  const hear = () => (heardAt = Date.now());

  socket.io.on('ping', hear);

  socket.on('connect', () => {
    // The time of `disconnect` would be too late, because after sleep the browser emits the event only when it wakes up.
    const isAfresh = heardAt === undefined || Date.now() - heardAt > forgottenAfterMs;
    openedAt = hear();
    onState(true);
    if (isAfresh) refresh();
  });

  socket.on('connect_error', (error) => {
    onState(false, error.message);
    if (socket.active) return; // Socket.IO tries again by itself
    if (/^SESSION_/.test(error.data?.code)) token = undefined;
    openLater();
  });

  socket.on('disconnect', (reason) => {
    onState(false, reason);
    if (socket.active) return;
    if (Date.now() - openedAt > healthyMs) waitMs = 0;
    openLater();
  });

  socket.onAny((topic, payload, meta) => {
    hear();
    if (topic === 'session:invalid') token = undefined;
    else if (topic === 'notifications:missed') refresh();
    else if (!ids.has(meta.id)) {
      ids.add(meta.id);
      if (ids.size > rememberedIds) ids.delete(ids.values().next().value);
      onNotification(topic, payload, meta);
    }
  });

  void open();
  return {
    socket,
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}
