import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { pageQuery } from '../http/fields';

export class RotationQuery extends createZodDto(z.strictObject({ cursor: pageQuery.cursor })) {}

export class RotationAnswer extends createZodDto(
  z.object({
    rotated: z.int().describe('The number of secrets that this request encrypted with the first key.'),
    unreadable: z
      .array(z.string())
      .describe(
        'The rows whose secret cannot be decrypted, because it was altered or `PNS_ENCRYPTION_KEY` lacks its key. They are unchanged.',
      ),
    remaining: z
      .int()
      .optional()
      .describe(
        'In the last answer: the number of secrets that still need another key. If it is larger than the number of unreadable ones, others were written meanwhile: start again.',
      ),
    nextCursor: z.string().optional().describe('Absent in the last answer.'),
  }),
) {}
