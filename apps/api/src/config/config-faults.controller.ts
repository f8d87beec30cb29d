import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequiresScope } from '../authentication/requires-scope';
import { ConfigFaultList } from './config.dto';
import { FileScopes } from './file-scopes';

@ApiTags('Configuration')
@Controller('v1/config/faults')
export class ConfigFaultsController {
  constructor(private readonly files: FileScopes) {}

  @Get()
  @RequiresScope('admin')
  @ApiOperation({
    summary: 'List errors and warnings in the configuration folder, with file and line',
    description:
      'Covers properties, context sets and option files, as this process reads them. The previous version of a faulty entry stays in effect until the entry is corrected.',
  })
  @ApiOkResponse({ type: ConfigFaultList })
  list(): ConfigFaultList {
    const { faults } = this.files;
    return {
      items: faults.map((fault) => ({ ...fault })),
      isAllInEffect: faults.every(({ severity }) => severity === 'warning'),
    };
  }
}
