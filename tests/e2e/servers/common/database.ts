import { createPool, Pool } from 'mysql2/promise';

export function openDatabase(): Pool {
  return createPool({
    socketPath: process.env.DB_SOCKET,
    database: process.env.DB_NAME,
    user: process.env.DB_USER,
    password: process.env.DB_PASSWORD,
    connectionLimit: 5,
  });
}
