/* global document, window, DOMParser, EventSource, fetch, io */

import { showFaults, useSocket } from './faults.js';
import { addTimeline, offerTimelines } from './history.js';
import { pnsSocket } from './pns-socket.js';

const byId = (id) => document.getElementById(id);
/** The most cards of a lane, because a long demonstration must not fill the tab's memory. */
const cardsShown = 100;
const shownSeqs = new Set();
const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 };

// ---- cards; arrivals contain untrusted text, which is set as text and never as HTML ----

function addCard(lane, { topic, title, subtitle, at, chips, raw, history }) {
  const card = byId('card').content.firstElementChild.cloneNode(true);
  const set = (selector, text) => (card.querySelector(selector).textContent = text);
  const time = new Date(at);
  set('.topic', topic);
  set('.title', title);
  set('.subtitle', subtitle);
  set('time', time.toLocaleTimeString('en-GB', clock));
  set('pre', raw);
  card.querySelector('.chips').append(...chips.map(chip));
  card.classList.add('fresh');
  card.classList.toggle(
    'suspect',
    chips.some(({ tone }) => tone === 'bad'),
  );
  if (history !== undefined) addTimeline(card, history);
  lane.prepend(card);
  while (lane.children.length > cardsShown) lane.lastElementChild.remove();
}

function chip({ text, tone = '', title = '' }) {
  const element = document.createElement('span');
  element.className = `chip ${tone}`;
  element.textContent = text;
  element.title = title;
  return element;
}

/** The title and subtitle of a card, from the payload of any topic. */
function headline(payload = {}) {
  const sender = [payload.displayname, payload.email && `<${payload.email}>`].filter(Boolean).join(' ');
  const folders = payload.folders?.join?.(', ');
  const changes = payload.needsAction?.length ? `${payload.needsAction.length} waiting for an answer` : '';
  const unread = payload.unread === undefined ? '' : `${payload.unread} unread`;
  const count = payload.count > 1 ? `${payload.count} notifications` : '';
  return {
    title: payload.subject ?? payload.title ?? folders ?? payload.folder ?? '(no subject)',
    subtitle: [sender, payload.teaser, unread, changes, count].filter(Boolean).join(' · '),
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// ---- webhooks: server-sent events ----

const tones = { valid: 'good', invalid: 'bad', missing: 'warn' };
const marks = { valid: '✓', invalid: '✗', missing: '–' };

function addArrival({ seq, at, target, path, headers, body, answer, isDuplicate, checks }) {
  if (shownSeqs.has(seq)) return;
  shownSeqs.add(seq);
  const content = parsed(body);
  const user =
    content?.payload?.user === undefined ? '' : `for user ${content.payload.user}@${content.payload.context}`;
  const { title, subtitle } = headline(content?.payload);
  addCard(byId('webhook-cards'), {
    history: `/demo/arrivals/${seq}/history`,
    topic: content?.event ?? 'not JSON',
    title,
    subtitle: [subtitle, user].filter(Boolean).join(' · '),
    at,
    chips: [
      ...checks.map(({ name, verdict, reason }) => ({
        text: `${marks[verdict]} ${name} ${verdict}`,
        tone: tones[verdict],
        title: reason,
      })),
      { text: target },
      ...(answer === 204 ? [] : [{ text: `answered ${answer}`, tone: 'warn' }]),
      ...(isDuplicate ? [{ text: 'duplicate', tone: 'warn' }] : []),
    ],
    raw: [
      `POST ${path}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      '',
      content === undefined ? body : JSON.stringify(content, null, 2),
    ].join('\n'),
  });
}

// ---- devices: pushes as each device shows them ----

/**
 * Removes the title from a body. In a push the body repeats the title below the sender, for devices that show only the body; the
 * devices of this page show both. If the title or the line was cut, only the remaining text is compared.
 */
function withoutTitle(body, title = '') {
  const [sender, ...lines] = body?.split('\n') ?? [];
  return [sender, ...lines.filter((line) => !repeats(line, title))].join('\n');
}

function repeats(line, title) {
  const [told, known] = [line, title].map((text) => text.replace(/^\(\d+\) /, '').replace(/…$/, ''));
  const isCut = line.endsWith('…') || title.endsWith('…');
  return isCut ? told.startsWith(known) || known.startsWith(told) : told === known;
}

/** The visible content of a push in each provider's format; a push without title and body is silent. */
const shownBy = {
  apns: (body) => {
    const { alert, badge } = parsed(body)?.aps ?? {};
    return { title: alert?.title, body: alert?.body ?? (typeof alert === 'string' ? alert : undefined), badge };
  },
  fcm: (body) => {
    const { notification, data = {} } = parsed(body)?.message ?? {};
    // An app creates its own notification from a data message; this device shows the same texts as a mail app.
    return {
      title: notification?.title ?? data.subject,
      body: notification?.body ?? [data.displayname ?? data.email, data.teaser].filter(Boolean).join('\n'),
      badge: data.unread,
    };
  },
  wns: (body) => {
    if (!body.startsWith('<')) return parsed(body) ?? {}; // the body of a raw push
    const xml = new DOMParser().parseFromString(body, 'text/xml');
    const [title, ...lines] = [...xml.querySelectorAll('text')].map(({ textContent }) => textContent);
    return { title, body: lines.join('\n'), badge: xml.querySelector('badge')?.getAttribute('value') };
  },
  webpush: (body) => {
    const content = parsed(body) ?? {};
    const { title, body: text, navigate, silent } = content.notification ?? content;
    return { title, body: text, badge: content.app_badge ?? content.badge, navigate, isQuiet: silent };
  },
};

function addPush({ seq, at, provider, path, headers, body, answer, isDuplicate, checks = [] }) {
  if (shownSeqs.has(seq)) return;
  shownSeqs.add(seq);
  const device = document.querySelector(`.device[data-provider="${provider}"]`);
  const shown = shownBy[provider](body);
  const isSilent = !shown.title && !shown.body;
  const isTaken = answer === 200 || answer === 201;
  const push = byId('push').content.firstElementChild.cloneNode(true);
  const set = (selector, text) => (push.querySelector(selector).textContent = text ?? '');
  set('time', new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' }));
  set('.title', isTaken ? (isSilent ? 'Silent push: the app wakes up' : shown.title) : 'Refused');
  set('.subtitle', isTaken ? withoutTitle(shown.body, shown.title) : '');
  set('pre', [path, ...Object.entries(headers).map((header) => header.join(': ')), '', pretty(body)].join('\n'));
  push
    .querySelector('.chips')
    .append(
      ...(isTaken ? [] : [chip({ text: `answered ${answer}`, tone: 'warn' })]),
      ...(shown.isQuiet ? [chip({ text: 'without a sound' })] : []),
      ...(shown.navigate ? [chip({ text: `opens ${hostOf(shown.navigate)}`, title: shown.navigate })] : []),
      ...faultyChecks(checks),
      ...(isDuplicate ? [chip({ text: 'duplicate', tone: 'warn' })] : []),
    );
  push.classList.toggle('silent', isSilent || !isTaken);
  push.classList.add('fresh');
  addTimeline(push, `/demo/arrivals/${seq}/history`);
  const screen = device.querySelector('.screen');
  screen.prepend(push);
  while (screen.children.length > cardsShown) screen.lastElementChild.remove();
  const badge = device.querySelector('.badge');
  if (isTaken && shown.badge !== undefined && shown.badge !== null) {
    badge.hidden = false;
    badge.textContent = shown.badge;
  }
}

/** Chips for failed checks. They show why a device discards a push that its provider has accepted. */
function faultyChecks(checks) {
  const faulty = checks.filter(({ verdict }) => verdict !== 'valid');
  return faulty.map(({ name, verdict, reason }) =>
    chip({ text: `${name} ${verdict}`, tone: tones[verdict], title: reason }),
  );
}

function hostOf(url) {
  return URL.parse?.(url)?.host ?? url;
}

function pretty(body) {
  const content = parsed(body);
  return content === undefined ? body : JSON.stringify(content, null, 2);
}

function showCounts(targets) {
  for (const device of document.querySelectorAll('.device')) {
    const total = targets.find(({ provider }) => provider === device.dataset.provider)?.total ?? 0;
    device.querySelector('.count').textContent = `${total.toLocaleString()} ${total === 1 ? 'push' : 'pushes'}`;
  }
}

let names = [];

function listen() {
  const feed = new EventSource('/feed');
  feed.onopen = () => {
    byId('live').classList.add('on');
    byId('live').title = 'Live';
  };
  feed.onerror = () => {
    byId('live').classList.remove('on');
    byId('live').title = 'The sandbox does not answer; trying again';
  };
  feed.onmessage = ({ data }) => {
    const { cards, targets } = JSON.parse(data);
    for (const card of cards) (card.provider === 'webhook' ? addArrival : addPush)(card);
    const webhooks = targets.filter(({ provider }) => provider === 'webhook');
    names = webhooks.map(({ target }) => target);
    showFaults(targets);
    showCounts(targets);
    for (const field of ['total', 'accepted', 'duplicates']) {
      const sum = webhooks.reduce((all, each) => all + each[field], 0);
      byId(field).textContent = sum.toLocaleString();
    }
  };
}

byId('clear').onclick = async () => {
  await Promise.all(names.map((name) => fetch(`/webhooks/${name}/arrivals`, { method: 'DELETE' })));
  byId('webhook-cards').replaceChildren();
};

// ---- Web Socket ----

function showSocket(state, tone) {
  byId('socket-state').textContent = state;
  byId('socket-state').className = `pill ${tone}`;
}

function connect(url, session) {
  byId('socket-note').hidden = true;
  showSocket('connecting', 'warn');
  const { socket } = pnsSocket(io, url, {
    session,
    connection: `sandbox-${Math.random().toString(36).slice(2)}`,
    onState: (isConnected, reason) =>
      isConnected ? showSocket('connected', 'good') : showSocket(`disconnected: ${reason}`, 'warn'),
    onNotification: (topic, payload, meta) => {
      const { title, subtitle } = headline(payload);
      addCard(byId('socket-cards'), {
        topic,
        title,
        subtitle,
        at: Date.now(),
        chips: [],
        history: `/demo/notifications/${encodeURIComponent(meta.id)}/history`,
        raw: JSON.stringify([topic, payload, meta], null, 2),
      });
    },
  });
  useSocket(socket);
}

// ---- the demonstration ----

async function post(path, body = {}) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? answer.message);
  return answer;
}

const editor = byId('notification');

function showNotification({ topic, payload, priority = 'high' }) {
  editor.topic.defaultValue = topic;
  editor.payload.defaultValue = JSON.stringify(payload, null, 2);
  editor.priority.value = priority;
}

/** The notification in the form. @throws Error with the reason if the form is not valid */
function edited() {
  const payload = parsed(editor.payload.value);
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new Error('The payload must be a JSON object.');
  }
  return { topic: editor.topic.value, priority: editor.priority.value, payload };
}

async function send() {
  const buttons = [byId('send'), editor.querySelector('.primary')];
  for (const button of buttons) button.disabled = true;
  try {
    await post('/demo/notification', edited());
    byId('demo-hint').textContent = 'Accepted; it arrives in a second or so.';
  } catch (error) {
    byId('demo-hint').textContent = error.message;
  }
  for (const button of buttons) button.disabled = false;
}

/** Shows the demonstration; returns undefined if the page cannot send notifications. */
async function startDemo() {
  const { isAvailable, hasDevices, notification, websocketUrl } = await (await fetch('/demo')).json();
  byId('devices').hidden = !hasDevices;
  if (!isAvailable) return undefined;
  showNotification(notification);
  byId('send').hidden = false;
  byId('editor').hidden = false;
  byId('send').onclick = send;
  editor.onsubmit = (event) => {
    event.preventDefault();
    void send();
  };
  return { websocketUrl };
}

const given = new URL(window.location.href).searchParams;
const demo = await startDemo();
if (demo) offerTimelines();
listen();
if (given.has('ws') && given.has('session')) {
  connect(given.get('ws'), () => given.get('session'));
} else if (demo) {
  connect(demo.websocketUrl, async () => (await post('/demo/session')).token);
}
