// What oidc-provider uses and node 18, Debian 12's own, does not have yet. To be imported before it.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;

URL.parse ??= (url, base) => {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
};
