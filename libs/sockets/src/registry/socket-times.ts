/** How long a socket that closed may come back and collect what it missed, in ms. As in entries.lua. */
export const parkedMs = 120_000;

/** How long a socket that closed is known, in ms: one that comes back in this time is told that it missed something. */
export const knownMs = 240_000;
