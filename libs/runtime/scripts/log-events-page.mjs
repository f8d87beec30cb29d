// Writes docs/log-events.md from the table of events. Run the build first.
import { writeFileSync } from 'node:fs';
import { logEventsPage } from '@pns/runtime/log-events';

writeFileSync(new URL('../../../docs/log-events.md', import.meta.url), logEventsPage());
