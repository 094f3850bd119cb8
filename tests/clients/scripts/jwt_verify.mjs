// aws-jwt-verify: tokens stand before AWS's own verifier, and what is not right about one is refused.
// With AWS's form of issuer it is CognitoJwtVerifier, as it comes; with an issuer of one's own, JwtVerifier.
import { CognitoJwtVerifier, JwtVerifier } from "aws-jwt-verify";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";
import { must, place, step } from "./steps.mjs";

const { pool, client, idToken, accessToken } = place;
const isAws = place.issuer.startsWith("https://cognito-idp.");
const asked = [];

// The library speaks TLS only; here it asks the same path of the server under test.
const fetcher = {
  fetch: async (uri) => {
    const { pathname } = new URL(uri);
    asked.push(pathname);
    return (await fetch(place.endpoint + pathname)).arrayBuffer();
  },
};
const verifier = (use, more = {}) => {
  const jwksCache = new SimpleJwksCache({ fetcher });
  if (isAws) {
    const wanted = { userPoolId: pool, tokenUse: use, clientId: client, ...more };
    return CognitoJwtVerifier.create(wanted, { jwksCache });
  }
  const jwksUri = `${place.issuer}/.well-known/jwks.json`;
  const audience = use === "id" ? client : null;
  return JwtVerifier.create({ issuer: place.issuer, audience, jwksUri, ...more }, { jwksCache });
};

// The class of the refusal alone: its text is the library's own.
const refusal = async (checking, token) => {
  try {
    await checking.verify(token);
  } catch (error) {
    return error.constructor.name;
  }
  return "taken";
};
const forged = (token, changes) => {
  const [header, payload, signature] = token.split(".");
  const claims = { ...JSON.parse(Buffer.from(payload, "base64url")), ...changes };
  return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
};

await step("takes an ID token", async () => {
  const claims = await verifier("id").verify(idToken);
  must(claims.sub === place.sub && claims.aud === client, "the claims are the user's");
});
await step("takes an access token", async () => {
  const claims = await verifier("access").verify(accessToken);
  must(claims.sub === place.sub && claims.client_id === client, "the claims are the user's");
});
await step("asks for the keys where AWS has them", async () => {
  must(asked.length === 2, "each verifier asked once");
  must(asked.every((path) => path === `/${pool}/.well-known/jwks.json`), "the path is that of AWS");
});
await step("refuses changed claims", () => refusal(verifier("access"), forged(accessToken, { sub: "x" })));
const yesterdays = verifier("access", { graceSeconds: -90_000 }); // it reckons with a day that has passed
await step("refuses a token of the past", () => refusal(yesterdays, accessToken));
await step("refuses another pool's token", () => refusal(verifier("access"), place.strangersToken));
if (isAws) {
  await step("refuses an access token as an ID token", () => refusal(verifier("id"), accessToken));
  await step("refuses an ID token as an access token", () => refusal(verifier("access"), idToken));
  await step("refuses another client's token", () => refusal(verifier("id", { clientId: "other" }), idToken));
  await step("takes a member of the group", async () => {
    await verifier("access", { groups: ["staff"] }).verify(accessToken);
  });
  await step("refuses who is no member", () => refusal(verifier("id", { groups: ["board"] }), idToken));
} else {
  await step("refuses another audience", () => refusal(verifier("id", { audience: "other" }), idToken));
}
