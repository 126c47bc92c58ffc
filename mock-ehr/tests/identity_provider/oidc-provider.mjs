// npm `oidc-provider` on PORT, as it comes: the mock EHR is its client, public, and signs in whoever types any name.
// Claims of a user stand at the userinfo endpoint alone, which is its default.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const peers = createRequire(new URL('../../../.peers/npm/package.json', import.meta.url));
const { default: Provider } = await import(pathToFileURL(peers.resolve('oidc-provider')));

const provider = new Provider(`http://127.0.0.1:${process.env.PORT}`, {
  clients: [{
    client_id: 'mock-ehr',
    token_endpoint_auth_method: 'none',
    redirect_uris: [process.env.REDIRECT_URI],
    post_logout_redirect_uris: [process.env.SIGNED_OUT_URI],
    grant_types: ['authorization_code'],
    response_types: ['code'],
  }],
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email', 'email_verified'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, preferred_username: id }) }),
  cookies: { keys: ['test-only-cookie-key'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
});
provider.listen(Number(process.env.PORT), '127.0.0.1');
