// The life of clients made of openid-client.
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { chapter, dressed, end, house, privateKey, visit } from './stage.mjs';

const laptop = dressed(house.laptop);
const thief = dressed(house.thief);

async function discover({ client_id, client_secret }, auth, fetch = laptop) {
  auth ??= client.ClientSecretBasic(client_secret);
  return client.discovery(new URL(house.issuer), client_id, {}, auth, {
    execute: [client.allowInsecureRequests], [client.customFetch]: fetch,
  });
}

async function signIn(config, options, parameters = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const back = await visit(client.buildAuthorizationUrl(config, {
    redirect_uri: house.redirect, scope: 'openid offline_access profile email', state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    ...parameters,
  }));
  return client.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
  }, undefined, options);
}

const refused = (code) => (error) => {
  assert.equal(error.error, code, error.stack);
  assert.ok(error.status === 400 || error.status === 401);
  return true;
};

chapter('A confidential client signs Ada in.');
const shop = await discover(house.clients.shop);
assert.ok(shop.serverMetadata().supportsPKCE());
let tokens = await signIn(shop);
const { sub, device_id: device, sid } = tokens.claims();
assert.equal(sub, house.subject);
assert.ok(device && sid);
assert.equal(tokens.device_id, device);

chapter('It asks who she is.');
const info = await client.fetchUserInfo(shop, tokens.access_token, sub);
assert.equal(info.email, 'ada@example.com');
assert.equal(info.name, 'Ada');

chapter('It refreshes.');
const first = tokens;
tokens = await client.refreshTokenGrant(shop, tokens.refresh_token);
assert.notEqual(tokens.refresh_token, first.refresh_token);
assert.equal(tokens.claims().sub, sub);
assert.equal(tokens.claims().device_id, device);

chapter('It looks at tokens, and takes them back.');
let state = await client.tokenIntrospection(shop, tokens.access_token);
assert.equal(state.active, true);
assert.equal(state.sub, sub);
assert.equal(state.device_id, device);
await client.tokenRevocation(shop, tokens.refresh_token, { token_type_hint: 'refresh_token' });
state = await client.tokenIntrospection(shop, tokens.access_token);
assert.deepEqual(state, { active: false });
await assert.rejects(client.refreshTokenGrant(shop, tokens.refresh_token), refused('invalid_grant'));

chapter('It signs her out.');
const left = await visit(client.buildEndSessionUrl(shop, {
  id_token_hint: tokens.id_token, post_logout_redirect_uri: house.left, state: 'bye',
}));
assert.equal(left.href, `${house.left}?state=bye`);
await assert.rejects(signIn(shop, undefined, { prompt: 'none' }), (error) => error.error === 'login_required');

chapter('A thief has copied the refresh token of a public client.');
const notes = await discover(house.clients.notes, client.None());
tokens = await signIn(notes);
tokens = await client.refreshTokenGrant(notes, tokens.refresh_token);
const stolen = await discover(house.clients.notes, client.None(), thief);
await assert.rejects(client.refreshTokenGrant(stolen, tokens.refresh_token), refused('invalid_grant'));
await assert.rejects(client.refreshTokenGrant(notes, tokens.refresh_token), refused('invalid_grant'));

chapter('A thief has copied the refresh token of a client that proves a key.');
const bank = await discover(house.clients.bank, client.None());
const key = await client.randomDPoPKeyPair('ES256');
const DPoP = client.getDPoPHandle(bank, key);
tokens = await signIn(bank, { DPoP }, { dpop_jkt: await DPoP.calculateThumbprint() });
assert.equal(tokens.token_type, 'dpop');
await client.fetchUserInfo(bank, tokens.access_token, sub, { DPoP });
await assert.rejects(client.fetchUserInfo(bank, tokens.access_token, sub));
const robbed = await discover(house.clients.bank, client.None(), thief);
const other = client.getDPoPHandle(robbed, await client.randomDPoPKeyPair('ES256'));
await assert.rejects(client.refreshTokenGrant(robbed, tokens.refresh_token), (error) => /^invalid_/.test(error.error));
await assert.rejects(
  client.refreshTokenGrant(robbed, tokens.refresh_token, undefined, { DPoP: other }), refused('invalid_grant'));
tokens = await client.refreshTokenGrant(bank, tokens.refresh_token, undefined, { DPoP });
assert.equal(tokens.token_type, 'dpop');

chapter('A client without users.');
const nightly = await discover(house.clients.nightly);
tokens = await client.clientCredentialsGrant(nightly, { scope: 'reports' });
assert.equal((await client.tokenIntrospection(nightly, tokens.access_token)).client_id, 'nightly');

chapter('A client that signs for itself.');
const robot = await discover(house.clients.robot, client.PrivateKeyJwt(await privateKey(house.key)));
tokens = await client.clientCredentialsGrant(robot, { scope: 'reports' });
assert.equal((await client.tokenIntrospection(robot, tokens.access_token)).client_id, 'robot');

end();
