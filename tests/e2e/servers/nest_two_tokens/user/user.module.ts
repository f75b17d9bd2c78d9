import { Module } from '@nestjs/common';
import { openDatabase } from '../../common/database';
import { UserController } from './user.controller';
import { UserRepository } from './user.repository';
import { UserService } from './user.service';

@Module({
  controllers: [UserController],
  providers: [
    UserService,
    UserRepository,
    { provide: 'DATABASE', useFactory: openDatabase },
  ],
})
export class UserModule {}
