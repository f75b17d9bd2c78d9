import type { NextFunction, Request, Response } from 'express';

// A line for each answer. Without the query: tokens may stand there.
export function requestLog(req: Request, res: Response, next: NextFunction): void {
  const path = req.originalUrl.split('?')[0];

  res.on('finish', () => console.log(req.method, path, res.statusCode));
  next();
}
