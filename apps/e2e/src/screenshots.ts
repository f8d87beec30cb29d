import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { screenshotFolder } from './env';

/** Stores a picture of the documentation (PNG in base64), if `PNS_SCREENSHOTS` names a folder. */
export function keepPicture(name: string, png: string): void {
  if (screenshotFolder !== undefined) writeFileSync(join(screenshotFolder, name), png, 'base64');
}
