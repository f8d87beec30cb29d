/* global self, caches, navigator, Response */

/** The cache of received pushes, which the page shows; the browser keeps it while the tab is closed. */
const cacheName = 'pushes';
const pushesKept = 20;

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('push', (event) => event.waitUntil(receive(event.data?.text() ?? '')));
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data?.navigate ?? '/app/'));
});

async function receive(text) {
  const content = parsed(text);
  // A declarative message has its texts in `notification`, any other message at its top level.
  const { title, body, tag, silent, navigate } = content.notification ?? content;
  const badge = content.app_badge ?? content.badge;
  if (badge !== undefined) await navigator.setAppBadge?.(Number(badge));
  if (title !== undefined) {
    const data = { navigate };
    await self.registration.showNotification(title, { body, tag, silent, icon: '/app/icon.svg', data });
  }
  await keep({ at: Date.now(), title, body, badge, shown: await shownTitles() });
  for (const page of await self.clients.matchAll({ type: 'window' })) page.postMessage('pushed');
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return { title: text };
  }
}

async function shownTitles() {
  return (await self.registration.getNotifications()).map(({ title }) => title);
}

async function keep(push) {
  const cache = await caches.open(cacheName);
  await cache.put(`/app/pushes/${push.at}-${Math.random()}`, Response.json(push));
  const all = await cache.keys();
  for (const old of all.slice(0, -pushesKept)) await cache.delete(old);
}
