import { Body, Controller, HttpCode, Post, Req, Res, UnauthorizedException } from '@nestjs/common';
import type { CookieOptions, Request, Response } from 'express';
import { CredentialsDto, DeviceDto, LoginDto } from './auth.dto';
import { AuthService, IssuedTokens } from './auth.service';
import { RefreshTokenService } from './refresh-token.service';

const COOKIE = 'refresh_token';
const COOKIE_OPTIONS: CookieOptions = {
  httpOnly: true,
  secure: true,
  sameSite: 'strict',
  path: '/auth',
};

function refreshTokenOf(request: Request): string {
  const token = request.cookies[COOKIE];

  if (!token) throw new UnauthorizedException('No refresh token');
  return token;
}

@Controller('auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly refreshTokens: RefreshTokenService,
  ) {}

  @Post('register')
  register(@Body() credentials: CredentialsDto) {
    return this.auth.register(credentials);
  }

  @Post('login')
  @HttpCode(200)
  async login(@Body() login: LoginDto, @Res({ passthrough: true }) response: Response) {
    return this.answer(await this.auth.login(login), response);
  }

  @Post('refresh')
  @HttpCode(200)
  async refresh(
    @Body() { deviceId }: DeviceDto,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.answer(await this.auth.refresh(refreshTokenOf(request), deviceId), response);
  }

  @Post('logout')
  @HttpCode(204)
  async logout(@Req() request: Request, @Res({ passthrough: true }) response: Response) {
    await this.auth.logout(refreshTokenOf(request));
    response.clearCookie(COOKIE, COOKIE_OPTIONS);
  }

  private answer({ accessToken, expiresIn, refreshToken }: IssuedTokens, response: Response) {
    response.cookie(COOKIE, refreshToken, {
      ...COOKIE_OPTIONS,
      maxAge: this.refreshTokens.lifetimeSeconds * 1000,
    });
    return { accessToken, expiresIn };
  }
}
