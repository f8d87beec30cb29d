import { runProcess } from '@pns/runtime';
import { startApi } from './start';

void runProcess('api', async () => [await startApi()]);
