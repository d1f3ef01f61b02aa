// What Kratos tells Lanyard of a flow. Of all cookies only the device's goes
// out; request_cookies holds the session's too.
function(ctx)
  local cookies = std.get(ctx, 'request_cookies', {});
  local session = std.get(ctx, 'session', null);
  local identity = std.get(ctx, 'identity', null);
  local payload = std.get(ctx.flow, 'transient_payload', null);
  {
    flow: {
      id: ctx.flow.id,
      type: std.get(ctx.flow, 'type', null),
      refresh: std.get(ctx.flow, 'refresh', false),
      login_challenge: std.get(ctx.flow, 'oauth2_login_challenge', null),
    },
    identity: if identity == null then null else identity.id,
    session: if session == null then null else {
      id: std.get(session, 'id', null),
      issued_at: std.get(session, 'issued_at', null),
      devices: std.get(session, 'devices', null),
    },
    headers: std.get(ctx, 'request_headers', {}),
    device_cookie: std.get(cookies, '__Host-lanyard_device', null),
    // Where Lanyard is reached without TLS. Elsewhere it counts for nothing: any
    // neighbouring host could have set it.
    plain_cookie: std.get(cookies, 'lanyard_device', null),
    // A form of settings may offer it: a second button whose formaction ends so.
    revoke: if std.length(std.findSubstr('revoke=others', std.get(ctx, 'request_url', ''))) > 0 then 'others' else null,
    device: if std.isObject(payload) then std.get(payload, 'device', null) else null,
  }
