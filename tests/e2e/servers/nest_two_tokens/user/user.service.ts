import { ConflictException, Injectable, UnauthorizedException } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { JwtService } from '@nestjs/jwt';
import { compare, hash } from 'bcryptjs';
import { AccessPayload } from '../login.guard';
import { LoginUserDto } from './login-user.dto';
import { User, UserRepository } from './user.repository';

const BCRYPT_ROUNDS = 10;

@Injectable()
export class UserService {
  constructor(
    private readonly users: UserRepository,
    private readonly jwt: JwtService,
    private readonly config: ConfigService,
  ) {}

  async register({ username, password }: LoginUserDto) {
    const id = await this.users.insert(username, await hash(password, BCRYPT_ROUNDS));

    if (id === undefined) throw new ConflictException('This name is taken');
    return { id, username };
  }

  async login({ username, password }: LoginUserDto) {
    const user = await this.users.findByName(username);

    if (!user || !(await compare(password, user.password)))
      throw new UnauthorizedException('Wrong user name or password');
    return this.issueTokens(user);
  }

  async refresh(refreshToken: string) {
    const user = await this.users.findById(this.verifyRefreshToken(refreshToken));

    if (!user) throw new UnauthorizedException('This user is gone');
    return this.issueTokens(user);
  }

  private verifyRefreshToken(token: string): number {
    try {
      return this.jwt.verify<{ userId: number }>(token, {
        secret: this.config.getOrThrow('JWT_REFRESH_SECRET'),
      }).userId;
    } catch {
      throw new UnauthorizedException('The token is no longer valid, please log in again');
    }
  }

  private issueTokens(user: User) {
    const payload: AccessPayload = { userId: user.id, username: user.username };

    return {
      access_token: this.jwt.sign(payload, {
        secret: this.config.getOrThrow('JWT_ACCESS_SECRET'),
        expiresIn: Number(this.config.get('ACCESS_TTL', 30 * 60)),
      }),
      refresh_token: this.jwt.sign(
        { userId: user.id },
        {
          secret: this.config.getOrThrow('JWT_REFRESH_SECRET'),
          expiresIn: Number(this.config.get('REFRESH_TTL', 7 * 24 * 60 * 60)),
        },
      ),
    };
  }
}
