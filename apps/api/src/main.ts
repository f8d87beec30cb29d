import { runProcess } from '@pns/runtime/app';
import { startApi } from './start';

void runProcess('api', async () => [await startApi()]);
