import { Inject, Injectable, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { Pool, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

export interface User {
  id: number;
  username: string;
  password: string; // a bcrypt hash
}

@Injectable()
export class UserRepository implements OnModuleInit, OnModuleDestroy {
  constructor(@Inject('DATABASE') private readonly database: Pool) {}

  async onModuleInit() {
    await this.database.execute(
      `CREATE TABLE IF NOT EXISTS user (
         id INT AUTO_INCREMENT PRIMARY KEY,
         username VARCHAR(50) NOT NULL UNIQUE,
         password VARCHAR(60) NOT NULL)`,
    );
  }

  onModuleDestroy() {
    return this.database.end();
  }

  findByName(username: string): Promise<User | undefined> {
    return this.findBy('username', username);
  }

  findById(id: number): Promise<User | undefined> {
    return this.findBy('id', id);
  }

  // The new user's id; undefined where the name is taken.
  async insert(username: string, password: string): Promise<number | undefined> {
    const [result] = await this.database.execute<ResultSetHeader>(
      'INSERT IGNORE INTO user (username, password) VALUES (?, ?)',
      [username, password],
    );
    return result.affectedRows === 1 ? result.insertId : undefined;
  }

  private async findBy(column: 'id' | 'username', value: number | string) {
    const [rows] = await this.database.execute<RowDataPacket[]>(
      `SELECT id, username, password FROM user WHERE ${column} = ?`,
      [value],
    );
    return rows[0] as User | undefined;
  }
}
