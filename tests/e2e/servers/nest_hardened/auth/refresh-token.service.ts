import { Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { JwtService } from '@nestjs/jwt';
import { randomUUID } from 'node:crypto';
import { REDIS, Redis } from '../redis.module';

interface RefreshClaims {
  sub: string;
  jti: string;
  deviceId: string;
}

const keyOf = (jti: string) => `refresh:${jti}`;

// Each refresh token is good for one use, while redis knows its jti.
@Injectable()
export class RefreshTokenService {
  readonly lifetimeSeconds: number;
  private readonly secret: string;

  constructor(
    @Inject(REDIS) private readonly redis: Redis,
    private readonly jwt: JwtService,
    config: ConfigService,
  ) {
    this.lifetimeSeconds = Number(config.get('REFRESH_TTL', 7 * 24 * 60 * 60));
    this.secret = config.getOrThrow('JWT_REFRESH_SECRET');
  }

  async issue(accountId: string, deviceId: string): Promise<string> {
    const jti = randomUUID();

    await this.redis.set(keyOf(jti), accountId, { EX: this.lifetimeSeconds });
    return this.jwt.signAsync(
      { deviceId },
      { secret: this.secret, subject: accountId, jwtid: jti, expiresIn: this.lifetimeSeconds },
    );
  }

  // Whose it was.
  async redeem(token: string, deviceId: string): Promise<string> {
    const claims = await this.verify(token);

    if (claims.deviceId !== deviceId) throw new UnauthorizedException('Another device');
    if ((await this.redis.del(keyOf(claims.jti))) === 0)
      throw new UnauthorizedException('The refresh token was used or revoked');
    return claims.sub;
  }

  async revoke(token: string): Promise<void> {
    await this.redis.del(keyOf((await this.verify(token)).jti));
  }

  private async verify(token: string): Promise<RefreshClaims> {
    try {
      return await this.jwt.verifyAsync(token, { secret: this.secret, algorithms: ['HS256'] });
    } catch {
      throw new UnauthorizedException('The refresh token is not valid');
    }
  }
}
