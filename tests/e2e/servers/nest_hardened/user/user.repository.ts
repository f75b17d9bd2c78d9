import { Inject, Injectable, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { compare, hash } from 'bcryptjs';
import { randomUUID } from 'node:crypto';
import type { Pool, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

const BCRYPT_ROUNDS = 10;

@Injectable()
export class UserRepository implements OnModuleInit, OnModuleDestroy {
  constructor(@Inject('DATABASE') private readonly database: Pool) {}

  async onModuleInit() {
    await this.database.execute(
      `CREATE TABLE IF NOT EXISTS account (
         id CHAR(36) PRIMARY KEY,
         username VARCHAR(64) NOT NULL UNIQUE,
         password_hash VARCHAR(60) NOT NULL)`,
    );
  }

  onModuleDestroy() {
    return this.database.end();
  }

  // The new account's id; undefined where the name is taken.
  async create(username: string, password: string): Promise<string | undefined> {
    const id = randomUUID();
    const [result] = await this.database.execute<ResultSetHeader>(
      'INSERT IGNORE INTO account (id, username, password_hash) VALUES (?, ?, ?)',
      [id, username, await hash(password, BCRYPT_ROUNDS)],
    );
    return result.affectedRows === 1 ? id : undefined;
  }

  // The account's id; undefined where name and password do not belong together.
  async authenticate(username: string, password: string): Promise<string | undefined> {
    const [rows] = await this.database.execute<RowDataPacket[]>(
      'SELECT id, password_hash FROM account WHERE username = ?',
      [username],
    );
    if (rows.length === 0 || !(await compare(password, rows[0].password_hash))) return undefined;
    return rows[0].id;
  }
}
