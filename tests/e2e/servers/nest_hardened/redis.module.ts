import { Inject, Module, OnModuleDestroy } from '@nestjs/common';
import { createClient } from 'redis';

export const REDIS = Symbol('redis');
export type Redis = ReturnType<typeof createClient>;

@Module({
  providers: [
    {
      provide: REDIS,
      useFactory: () =>
        createClient({ socket: { path: process.env.REDIS_SOCKET } })
          .on('error', (error) => console.error('redis:', error.message))
          .connect(),
    },
  ],
  exports: [REDIS],
})
export class RedisModule implements OnModuleDestroy {
  constructor(@Inject(REDIS) private readonly redis: Redis) {}

  onModuleDestroy() {
    return this.redis.quit();
  }
}
