// The clients that the server knows.
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

function nativeApp(id) {
  return {
    client_id: id,
    application_type: 'native', // any port on the loopback (RFC 8252 section 7.3)
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/', 'http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
  };
}

function service(id) {
  return {
    client_id: id,
    client_secret: `${id}-secret`,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  };
}

export const clients = [
  nativeApp('app'),
  nativeApp('hasty'),
  service('svc'),
  service('hasty-svc'),
];

// The tokens of the hasty ones die young.
export function accessTokenSeconds(client) {
  return client.clientId.startsWith('hasty') ? 3 : 60;
}
