import { Controller, Get, Req, UseGuards } from '@nestjs/common';
import { AccessTokenGuard, AuthenticatedRequest } from '../auth/access-token.guard';

@Controller('profile')
@UseGuards(AccessTokenGuard)
export class ProfileController {
  @Get()
  show(@Req() request: AuthenticatedRequest) {
    return { account: request.accountId, device: request.deviceId };
  }
}
