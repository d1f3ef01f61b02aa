// The life of clients made of oauth4webapi, which checks every answer against
// the letter of the standards.
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { chapter, dressed, end, house, privateKey, visit } from './stage.mjs';

const call = (looks, more = {}) => ({
  [oauth.allowInsecureRequests]: true, [oauth.customFetch]: dressed(looks), ...more,
});
const laptop = call(house.laptop);
const thief = call(house.thief);

const issuer = new URL(house.issuer);
const both = [];
for (const algorithm of ['oidc', 'oauth2']) {
  const answer = await oauth.discoveryRequest(issuer, { algorithm, ...laptop });
  both.push(await oauth.processDiscoveryResponse(issuer, answer));
}
const [as] = both;
for (const [name, value] of Object.entries(both[1])) assert.deepEqual(value, as[name], name);

async function signIn(client, auth, options, parameters = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const address = new URL(as.authorization_endpoint);
  address.search = new URLSearchParams({
    response_type: 'code', client_id: client.client_id, redirect_uri: house.redirect,
    scope: 'openid offline_access profile email', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    ...parameters,
  });
  const back = oauth.validateAuthResponse(as, client, await visit(address), state);
  const answer = await oauth.authorizationCodeGrantRequest(
    as, client, auth, back, house.redirect, verifier, options);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const tokens = await oauth.processAuthorizationCodeResponse(
    as, client, answer, { expectedNonce: nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(as, answer, laptop);
  return tokens;
}

async function refresh(client, auth, tokens, options) {
  const answer = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, options);
  return oauth.processRefreshTokenResponse(as, client, answer);
}

const refused = (code) => (error) => {
  assert.equal(error.error, code, error.stack);
  return true;
};

async function active(client, auth, token) {
  const answer = await oauth.introspectionRequest(as, client, auth, token, laptop);
  return oauth.processIntrospectionResponse(as, client, answer);
}

chapter('A confidential client signs Ada in.');
const shop = { client_id: 'shop' };
const secret = oauth.ClientSecretBasic(house.clients.shop.client_secret);
let tokens = await signIn(shop, secret, laptop);
const { sub, device_id: device } = oauth.getValidatedIdTokenClaims(tokens);
assert.equal(sub, house.subject);
assert.ok(device);

chapter('It asks who she is.');
const info = await oauth.processUserInfoResponse(
  as, shop, sub, await oauth.userInfoRequest(as, shop, tokens.access_token, laptop));
assert.equal(info.email, 'ada@example.com');

chapter('It refreshes.');
tokens = await refresh(shop, secret, tokens, laptop);
assert.equal(oauth.getValidatedIdTokenClaims(tokens).device_id, device);

chapter('It looks at tokens, and takes them back.');
assert.equal((await active(shop, secret, tokens.access_token)).device_id, device);
await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, shop, secret, tokens.refresh_token, laptop));
assert.deepEqual(await active(shop, secret, tokens.access_token), { active: false });
await assert.rejects(refresh(shop, secret, tokens, laptop), refused('invalid_grant'));

chapter('It signs her out.');
const leave = new URL(as.end_session_endpoint);
leave.search = new URLSearchParams({
  id_token_hint: tokens.id_token, post_logout_redirect_uri: house.left, state: 'bye',
});
assert.equal((await visit(leave)).href, `${house.left}?state=bye`);
await assert.rejects(
  signIn(shop, secret, laptop, { prompt: 'none' }), refused('login_required'));

chapter('A thief has copied the refresh token of a public client.');
const notes = { client_id: 'notes' };
tokens = await signIn(notes, oauth.None(), laptop);
tokens = await refresh(notes, oauth.None(), tokens, laptop);
await assert.rejects(refresh(notes, oauth.None(), tokens, thief), refused('invalid_grant'));
await assert.rejects(refresh(notes, oauth.None(), tokens, laptop), refused('invalid_grant'));

chapter('A thief has copied the refresh token of a client that proves a key.');
const bank = { client_id: 'bank' };
const mine = call(house.laptop, { DPoP: oauth.DPoP(bank, await oauth.generateKeyPair('ES256')) });
const others = call(house.thief, { DPoP: oauth.DPoP(bank, await oauth.generateKeyPair('ES256')) });
tokens = await signIn(bank, oauth.None(), mine);
assert.equal(tokens.token_type, 'dpop');
await oauth.processUserInfoResponse(
  as, bank, sub, await oauth.userInfoRequest(as, bank, tokens.access_token, mine));
await assert.rejects(refresh(bank, oauth.None(), tokens, others), refused('invalid_grant'));
tokens = await refresh(bank, oauth.None(), tokens, mine);

chapter('A resource server verifies a token of its own, offline.');
const paper = { client_id: 'paper' };
tokens = await signIn(paper, oauth.None(), laptop, { audience: 'https://paper.example.com' });
const request = new Request('https://paper.example.com/', {
  headers: { authorization: `Bearer ${tokens.access_token}` },
});
const claims = await oauth.validateJwtAccessToken(as, request, 'https://paper.example.com', laptop);
assert.equal(claims.sub, sub);
assert.equal(claims.device_id, device);

chapter('Clients without users, with a secret and with a key.');
const robot = await privateKey(house.key);
for (const [client_id, auth] of [
  ['nightly', oauth.ClientSecretBasic(house.clients.nightly.client_secret)],
  ['poster', oauth.ClientSecretPost(house.clients.poster.client_secret)],
  ['robot', oauth.PrivateKeyJwt(robot)],
]) {
  const client = { client_id };
  const answer = await oauth.clientCredentialsGrantRequest(
    as, client, auth, new URLSearchParams({ scope: 'reports' }), laptop);
  const granted = await oauth.processClientCredentialsResponse(as, client, answer);
  assert.equal((await active(client, auth, granted.access_token)).client_id, client_id);
}

end();
