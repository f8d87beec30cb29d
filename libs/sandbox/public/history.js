/* global document, fetch */

const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 };
/** The pause between two reads. One read may be too early: PNS writes its history twice a second and may retry deliveries. */
const lookEveryMs = 500;
const looks = 60;
const tones = {
  delivered: 'good',
  retry: 'warn',
  deferred: 'warn',
  waiting: 'soft',
  moved: 'soft',
  suppressed: 'soft',
};
const running = new Set(['waiting', 'retry', 'deferred', 'moved']);

let isAvailable = false;

/** Gives a timeline to all further cards. */
export function offerTimelines() {
  isAvailable = true;
}

/** Adds the timeline of a notification to a card. An open timeline is read from `url` until all deliveries have ended. */
export function addTimeline(card, url) {
  if (!isAvailable) return;
  const timeline = document.getElementById('timeline').content.firstElementChild.cloneNode(true);
  card.querySelector('details').before(timeline);
  timeline.ontoggle = () => timeline.open && void follow(timeline, url);
}

async function follow(timeline, url) {
  for (let look = 0; look < looks && timeline.open; look++) {
    const response = await fetch(url);
    const answer = await response.json();
    if (response.ok) show(timeline, answer);
    else timeline.querySelector('.sentence').textContent = answer.error;
    if (response.ok && answer.notification.deliveries.every(({ outcome }) => !running.has(outcome))) return;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

function show(timeline, { notification, delivery, joined }) {
  const start = Date.parse(notification.received);
  timeline.querySelector('.sentence').textContent = notification.sentence;
  timeline.querySelector('ol').replaceChildren(
    ...stepsOf(notification, joined, delivery)
      .sort((one, other) => one.at - other.at)
      .map((step) => row(step, start)),
  );
}

/** The steps of the notification. A delivery without an attempt has no time and comes last. */
function stepsOf({ id, topic, received, aggregated, dispatched, deliveries }, joined, own) {
  const step = (at, name, text, more = {}) => ({ at: Date.parse(at), name, text, ...more });
  return [
    step(received, 'received', `${topic}, ${id}`),
    ...joined.map((other) => step(other.received, 'joined', other.id)),
    ...(aggregated ? [step(aggregated, 'due', 'its window ended')] : []),
    ...(dispatched ? [step(dispatched, 'dispatched', `to ${deliveries.length} targets`)] : []),
    ...deliveries.flatMap(({ id: delivery, transport, client, outcome, reason, attempts }) => {
      const name = `${client} through ${transport}`;
      const isOwn = delivery !== undefined && delivery === own;
      if (attempts.length === 0) {
        return [
          { at: Infinity, name: outcome, text: [name, reason].filter(Boolean).join(': '), tone: tones[outcome], isOwn },
        ];
      }
      return attempts.map((attempt) =>
        step(
          attempt.at,
          attempt.outcome === 'deferred' ? 'deferred' : `attempt ${attempt.number}`,
          textOf(name, attempt),
          {
            tone: tones[attempt.outcome] ?? 'bad',
            isOwn,
          },
        ),
      );
    }),
  ];
}

function textOf(name, { outcome, durationMs, reason, nextAttempt }) {
  const next = nextAttempt ? `, again at ${timeOf(Date.parse(nextAttempt))}` : '';
  return `${name}: ${outcome} after ${durationMs} ms${reason ? ` (${reason})` : ''}${next}`;
}

function row({ at, name, text, tone = '', isOwn = false }, start) {
  const item = document.createElement('li');
  item.className = `${tone} ${isOwn ? 'own' : ''}`.trim();
  const time = document.createElement('time');
  time.textContent = at === Infinity ? '' : timeOf(at);
  time.title = at === Infinity ? '' : `${(at - start).toLocaleString()} ms after it was received`;
  const label = document.createElement('b');
  label.textContent = name;
  const detail = document.createElement('span');
  detail.textContent = text;
  item.append(time, label, detail);
  return item;
}

function timeOf(ms) {
  return new Date(ms).toLocaleTimeString('en-GB', clock);
}
