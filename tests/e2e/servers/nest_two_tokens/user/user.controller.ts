import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { LoginUserDto } from './login-user.dto';
import { UserService } from './user.service';

@Controller('user')
export class UserController {
  constructor(private readonly users: UserService) {}

  @Post('register')
  register(@Body() user: LoginUserDto) {
    return this.users.register(user);
  }

  @Post('login')
  login(@Body() user: LoginUserDto) {
    return this.users.login(user);
  }

  @Get('refresh')
  refresh(@Query('refresh_token') refreshToken: string) {
    return this.users.refresh(refreshToken);
  }
}
