/* global document, window, navigator, caches, fetch, Notification */

const byId = (id) => document.getElementById(id);

function say(text) {
  byId('state').textContent = text;
}

async function answerOf(path, body) {
  const request = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, request);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? answer.message);
  return answer;
}

function show(isSubscribed) {
  byId('allow').hidden = isSubscribed;
  byId('send').hidden = !isSubscribed;
  byId('stop').hidden = !isSubscribed;
  say(isSubscribed ? 'This browser is subscribed.' : 'This browser is not subscribed.');
}

async function subscribe(registration, applicationServerKey) {
  if ((await Notification.requestPermission()) !== 'granted') {
    say('This browser does not allow notifications of this page; its settings can change that.');
    return;
  }
  const options = { userVisibleOnly: true, applicationServerKey };
  await enlist(await registration.pushManager.subscribe(options));
}

/** Registers the subscription with PNS. Registering it again changes nothing. */
async function enlist(subscription) {
  await answerOf('/app/subscriptions', { pushSubscription: subscription.toJSON() });
  show(true);
}

/** Whether the subscription was made with the server key that PNS uses now. */
function isCurrent({ options }, applicationServerKey) {
  const bytes = String.fromCharCode(...new Uint8Array(options.applicationServerKey));
  const key = window.btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return key === applicationServerKey;
}

async function listPushes() {
  const cache = await caches.open('pushes');
  const pushes = await Promise.all((await cache.keys()).map(async (key) => (await cache.match(key)).json()));
  const items = pushes.reverse().map(({ at, title, body, shown }) => {
    const item = document.createElement('li');
    const text = [title ?? 'Silent push', body].filter(Boolean).join(': ');
    item.textContent = `${new Date(at).toLocaleTimeString('en-GB')} ${text}`;
    item.dataset.shown = JSON.stringify(shown);
    return item;
  });
  byId('pushes').replaceChildren(...items);
}

/** Runs the action of a button, and shows its failure. */
function onClick(id, work) {
  byId(id).onclick = async () => {
    byId(id).disabled = true;
    try {
      await work();
    } catch (error) {
      say(error.message);
    }
    byId(id).disabled = false;
  };
}

async function start() {
  await listPushes();
  if (!('serviceWorker' in navigator && 'PushManager' in window)) {
    say('This browser has no Web Push here. On an iPhone or iPad, add this page to the home screen first.');
    return;
  }
  const { applicationServerKey } = await answerOf('/app/settings');
  await navigator.serviceWorker.register('/app/worker.js', { scope: '/app/' });
  const registration = await navigator.serviceWorker.ready;
  navigator.serviceWorker.onmessage = listPushes;
  onClick('allow', () => subscribe(registration, applicationServerKey));
  onClick('send', async () => {
    await answerOf('/demo/notification', {});
    say('Accepted; it arrives in a second or so, with this tab open or closed.');
  });
  onClick('stop', async () => {
    await (await registration.pushManager.getSubscription())?.unsubscribe();
    show(false);
  });
  const subscription = await registration.pushManager.getSubscription();
  if (subscription === null) return show(false);
  if (isCurrent(subscription, applicationServerKey)) return enlist(subscription);
  await subscription.unsubscribe();
  return show(false);
}

start().catch((error) => say(error.message));
