/* global document, fetch, clearTimeout */

const byId = (id) => document.getElementById(id);
const form = byId('faults');

/** The kinds of faults, each with its label, the body of the request that sets the fault, and the form fields that it uses. */
const late = {
  label: 'answer late',
  fault: () => ({ delayMs: Number(form.delayMs.value) }),
  fields: ['delay', 'times'],
};
const never = { label: 'never answer', fault: () => ({ hang: true }), fields: ['times'] };
const reset = { label: 'reset the connection', fault: () => ({ reset: true }), fields: ['times'] };
const silent = (field) => ({ label: 'go silent on a connection', fault: () => ({ [field]: true }), fields: ['times'] });

const secondsToWait = () => form.retryAfter.value;
const retryAfterHeader = () => (secondsToWait() === '' ? {} : { headers: { 'retry-after': secondsToWait() } });
const retryAfterSeconds = () => (secondsToWait() === '' ? {} : { retryAfterSeconds: Number(secondsToWait()) });

const apple = (status, reason) => ({
  label: `answer ${status} ${reason}`,
  fault: () => ({ status, reason, ...retryAfterSeconds() }),
  fields: ['retryAfter', 'times'],
});
const google = (error) => ({
  label: `answer ${error}`,
  fault: () => ({ error, ...retryAfterHeader() }),
  fields: ['retryAfter', 'times'],
});
const answered = (status, words) => ({
  label: `answer ${status}: ${words}`,
  fault: () => ({ status, ...retryAfterHeader() }),
  fields: ['retryAfter', 'times'],
});
const anyStatus = {
  label: 'answer with a status',
  fault: () => ({ status: Number(form.status.value), ...retryAfterHeader() }),
  fields: ['status', 'retryAfter', 'times'],
};

const sides = {
  apns: {
    label: 'iPhone (APNs)',
    kinds: [
      apple(503, 'ServiceUnavailable'),
      apple(429, 'TooManyRequests'),
      apple(500, 'InternalServerError'),
      apple(410, 'Unregistered'),
      apple(413, 'PayloadTooLarge'),
      ...[late, never, reset, silent('silence')],
    ],
  },
  fcm: {
    label: 'Android phone (FCM)',
    kinds: [
      ...['UNAVAILABLE', 'QUOTA_EXCEEDED', 'INTERNAL', 'UNREGISTERED', 'INVALID_ARGUMENT'].map(google),
      ...[late, never, reset, silent('halfOpen')],
    ],
  },
  wns: {
    label: 'Windows desktop (WNS)',
    kinds: [
      answered(503, 'unavailable'),
      answered(406, 'throttled'),
      answered(500, 'internal error'),
      answered(410, 'channel expired'),
      answered(413, 'too large'),
      ...[late, never, reset],
    ],
  },
  webpush: {
    label: 'Browser (Web Push)',
    kinds: [
      answered(503, 'unavailable'),
      answered(429, 'too many requests'),
      answered(500, 'internal error'),
      answered(410, 'subscription ended'),
      answered(413, 'too large'),
      ...[late, never, reset, silent('halfOpen')],
    ],
  },
  webhook: { label: 'Webhook', kinds: [anyStatus, late, never, reset] },
  socket: { label: 'Web Socket of this page', kinds: [{ label: 'be away for a while', fields: ['away'] }] },
};

const side = () => sides[form.side.value];
const kind = () => side().kinds[form.kind.value];

function showKinds() {
  form.kind.replaceChildren(...side().kinds.map(({ label }, index) => optionOf(index, label)));
  showFields();
}

function showFields() {
  const fields = new Set([...kind().fields, form.side.value]);
  for (const label of form.querySelectorAll('[data-for]')) {
    label.hidden = !fields.has(label.dataset.for);
    for (const input of label.querySelectorAll('input')) input.disabled = label.hidden; // an invalid value in a hidden field would prevent the submit without a message
  }
}

function optionOf(value, label) {
  const option = document.createElement('option');
  option.value = value;
  option.textContent = label;
  return option;
}

async function putFault(fault) {
  const path = form.side.value === 'webhook' ? `/webhooks/${form.name.value}/faults` : `/${form.side.value}/faults`;
  const response = await fetch(path, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
  byId('fault-error').textContent = response.ok ? '' : (await response.json()).error;
}

/** Shows the receivers that have faults, with the faults. */
export function showFaults(targets) {
  const faulty = targets.filter(({ fault }) => Object.keys(fault).length > 0);
  byId('fault-state').hidden = faulty.length === 0;
  const text = faulty.map(({ provider, target, fault }) => `${target || provider}: ${JSON.stringify(fault)}`).join(' ');
  if (byId('fault-state').textContent !== text) byId('fault-state').textContent = text; // else a screen reader reads it again
}

// ---- the Web Socket of this page ----

let socket;
let comingBack;

/** Sets the socket that the form disconnects and connects again. */
export function useSocket(opened) {
  socket = opened;
}

/** Simulates a phone that loses its network: the connection ends without a close frame, and the client reconnects by itself. */
function sendAway(seconds) {
  clearTimeout(comingBack);
  if (socket === undefined) {
    byId('fault-error').textContent = 'The Web Socket is not connected.';
    return;
  }
  byId('fault-error').textContent = '';
  socket.io.reconnection(false);
  socket.io.engine.close();
  comingBack = setTimeout(comeBack, seconds * 1000);
}

function comeBack() {
  clearTimeout(comingBack);
  socket?.io.reconnection(true);
  socket?.connect();
}

form.side.replaceChildren(...Object.entries(sides).map(([name, { label }]) => optionOf(name, label)));
form.side.onchange = showKinds;
form.kind.onchange = showFields;
form.onsubmit = (event) => {
  event.preventDefault();
  if (form.side.value === 'socket') return sendAway(Number(form.seconds.value));
  const times = form.times.value === '' ? {} : { times: Number(form.times.value) };
  void putFault({ ...kind().fault(), ...times });
};
byId('behave').onclick = () => (form.side.value === 'socket' ? comeBack() : void putFault({}));
showKinds();
