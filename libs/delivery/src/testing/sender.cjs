// An isolated process for tests: the id of each delivery decides its answer.
const fates = {
  dies: () => process.kill(process.pid, 'SIGKILL'),
  exits: () => process.exit(3),
  waits: () => undefined,
};

const write = (answer) => void process.send(answer, () => undefined);

process.once('disconnect', () => process.exit(0));
process.on('message', ({ kind, call, delivery }) => {
  if (kind === 'ping') return write({ kind: 'pong' });
  const [fate] = delivery.id.split(' ');
  if (fates[fate]) return fates[fate]();
  write({ kind: 'ended', call, outcome: { kind: 'delivered', providerId: String(process.pid) } });
});
write({ kind: 'ready' });
