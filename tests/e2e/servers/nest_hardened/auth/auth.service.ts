import { ConflictException, Injectable, UnauthorizedException } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { JwtService } from '@nestjs/jwt';
import { UserRepository } from '../user/user.repository';
import { CredentialsDto, LoginDto } from './auth.dto';
import { RefreshTokenService } from './refresh-token.service';

export interface IssuedTokens {
  accessToken: string;
  expiresIn: number;
  refreshToken: string;
}

@Injectable()
export class AuthService {
  constructor(
    private readonly users: UserRepository,
    private readonly refreshTokens: RefreshTokenService,
    private readonly jwt: JwtService,
    private readonly config: ConfigService,
  ) {}

  async register({ username, password }: CredentialsDto) {
    const id = await this.users.create(username, password);

    if (id === undefined) throw new ConflictException('This name is taken');
    return { id };
  }

  async login({ username, password, deviceId }: LoginDto): Promise<IssuedTokens> {
    const accountId = await this.users.authenticate(username, password);

    if (accountId === undefined) throw new UnauthorizedException('Wrong user name or password');
    return this.issue(accountId, deviceId);
  }

  async refresh(refreshToken: string, deviceId: string): Promise<IssuedTokens> {
    return this.issue(await this.refreshTokens.redeem(refreshToken, deviceId), deviceId);
  }

  logout(refreshToken: string): Promise<void> {
    return this.refreshTokens.revoke(refreshToken);
  }

  private async issue(accountId: string, deviceId: string): Promise<IssuedTokens> {
    const expiresIn = Number(this.config.get('ACCESS_TTL', 15 * 60));

    return {
      accessToken: await this.jwt.signAsync(
        { deviceId },
        {
          secret: this.config.getOrThrow('JWT_ACCESS_SECRET'),
          subject: accountId,
          expiresIn,
        },
      ),
      expiresIn,
      refreshToken: await this.refreshTokens.issue(accountId, deviceId),
    };
  }
}
