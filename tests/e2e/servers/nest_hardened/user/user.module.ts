import { Module } from '@nestjs/common';
import { openDatabase } from '../../common/database';
import { UserRepository } from './user.repository';

@Module({
  providers: [UserRepository, { provide: 'DATABASE', useFactory: openDatabase }],
  exports: [UserRepository],
})
export class UserModule {}
