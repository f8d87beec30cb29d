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
    summary: 'What in the configuration folder is not obeyed, or may not be meant, with file and line',
    description:
      'As this process reads the folder: properties, context sets and option files. What an entry said before stays in effect until it is mended.',
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
