import { Controller, Get, Req, UseGuards } from '@nestjs/common';
import { LoginGuard, SignedInRequest } from '../login.guard';

@Controller('order')
@UseGuards(LoginGuard)
export class OrderController {
  @Get('list')
  list(@Req() request: SignedInRequest) {
    return { of: request.user.username, orders: [] };
  }
}
