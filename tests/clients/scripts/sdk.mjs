// @aws-sdk/client-cognito-identity-provider, with cognito-srp-helper for the client's half of SRP:
// a whole life, and what is left after it; and the same doors for a client that has a secret.
import { CognitoIdentityProvider } from "@aws-sdk/client-cognito-identity-provider";
import {
  createSecretHash,
  createSrpSession,
  signSrpSession,
  wrapAuthChallenge,
  wrapInitiateAuth,
} from "cognito-srp-helper";
import { codeSentTo, must, place, step } from "./steps.mjs";

const { name, password, secondPassword, thirdPassword } = place;
const cognito = new CognitoIdentityProvider({
  endpoint: place.endpoint,
  region: place.region,
  credentials: { accessKeyId: "anybody", secretAccessKey: "anything" },
  maxAttempts: 1,
});

const secretly = (username, secret) =>
  secret ? { SECRET_HASH: createSecretHash(username, place.secretClient, secret) } : {};

const srp = async (username, given, secret) => {
  const ClientId = secret ? place.secretClient : place.client;
  const proof = secretly(username, secret);
  const session = createSrpSession(username, given, place.pool, false);
  const asked = await cognito.initiateAuth(
    wrapInitiateAuth(session, {
      ClientId,
      AuthFlow: "USER_SRP_AUTH",
      AuthParameters: { USERNAME: username, ...proof },
    }),
  );
  return cognito.respondToAuthChallenge(
    wrapAuthChallenge(signSrpSession(session, asked), {
      ClientId,
      ChallengeName: "PASSWORD_VERIFIER",
      ChallengeResponses: { USERNAME: username, ...proof },
    }),
  );
};
const bySrp = async (...given) => (await srp(name, ...given)).AuthenticationResult;
const byPassword = async (given) => {
  const AuthParameters = { USERNAME: name, PASSWORD: given };
  const asked = { ClientId: place.client, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters };
  return (await cognito.initiateAuth(asked)).AuthenticationResult;
};
const refresh = async (tokens, ClientId = place.client, proof = {}) => {
  const AuthParameters = { REFRESH_TOKEN: tokens.RefreshToken, ...proof };
  const asked = { ClientId, AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters };
  return (await cognito.initiateAuth(asked)).AuthenticationResult;
};
const signUp = async (given, address) => {
  const UserAttributes = [{ Name: "email", Value: address }];
  const person = { ClientId: place.client, Username: name, Password: given, UserAttributes };
  return (await cognito.signUp(person)).UserSub;
};
const confirm = (ConfirmationCode) =>
  cognito.confirmSignUp({ ClientId: place.client, Username: name, ConfirmationCode });
const attributesOf = async ({ AccessToken }) => {
  const { UserAttributes } = await cognito.getUser({ AccessToken });
  return Object.fromEntries(UserAttributes.map(({ Name, Value }) => [Name, Value]));
};
const erase = ({ AccessToken }) => cognito.deleteUser({ AccessToken });

let sub, tokens;
await step("signs up", async () => {
  sub = await signUp(password, place.mail);
});
await step("may not sign in before confirming", () => bySrp(password));
await step("may not confirm with a wrong code", () => confirm(place.wrongCode));
await step("confirms with the code from the mail", async () => confirm(await codeSentTo(place.mail)));
await step("may not sign in by SRP with a wrong password", () => bySrp(secondPassword));
await step("signs in by SRP", async () => {
  tokens = await bySrp(password);
});
await step("reads their attributes", async () => {
  const attributes = await attributesOf(tokens);
  must(attributes.sub === sub, "the sub is that of the sign-up");
  must(attributes.email === place.mail && attributes.email_verified === "true", "the address is verified");
});
await step("changes an attribute", async () => {
  const UserAttributes = [{ Name: "nickname", Value: "Zoë 漢字" }];
  await cognito.updateUserAttributes({ AccessToken: tokens.AccessToken, UserAttributes });
  must((await attributesOf(tokens)).nickname === "Zoë 漢字", "the new value is read");
});
await step("refreshes their tokens", async () => {
  const renewed = await refresh(tokens);
  must(renewed.AccessToken !== tokens.AccessToken, "the access token is another");
  await attributesOf(renewed);
});
await step("changes their password", () =>
  cognito.changePassword({
    AccessToken: tokens.AccessToken,
    PreviousPassword: password,
    ProposedPassword: secondPassword,
  }));
await step("signs out everywhere", () => cognito.globalSignOut({ AccessToken: tokens.AccessToken }));
await step("signed out: the access token is refused", () => attributesOf(tokens));
await step("signed out: the refresh token is refused", () => refresh(tokens));
await step("may not sign in by SRP with the old password", () => bySrp(password));
let old;
await step("signs in with a password", async () => {
  old = await byPassword(secondPassword);
});
await step("deletes themself", () => erase(old));
await step("gone: the access token is refused", () => attributesOf(old));
await step("gone: the refresh token is refused", () => refresh(old));
await step("gone: SRP sign-in is refused", () => bySrp(secondPassword));
await step("gone: password sign-in is refused", () => byPassword(secondPassword));
await step("gone: deleting again is refused", () => erase(old));
await step("a namesake signs up", async () => {
  must((await signUp(thirdPassword, place.namesakeMail)) !== sub, "the namesake has another sub");
  await confirm(await codeSentTo(place.namesakeMail));
});
await step("namesake: the old access token is refused", () => attributesOf(old));
await step("namesake: the old refresh token is refused", () => refresh(old));
await step("namesake: the old password is refused", () => bySrp(secondPassword));
await step("namesake: the old token may not delete", () => erase(old));
await step("namesake: signs in by SRP", () => bySrp(thirdPassword));

let challenge;
const replace = (NEW_PASSWORD) =>
  cognito.respondToAuthChallenge({
    ClientId: place.client,
    ChallengeName: challenge.ChallengeName,
    Session: challenge.Session,
    ChallengeResponses: { USERNAME: place.invited, NEW_PASSWORD },
  });
await step("invited: the password must be replaced", async () => {
  challenge = await srp(place.invited, place.temporaryPassword);
  return challenge.ChallengeName;
});
await step("invited: a weak password is refused", () => replace("weakweak"));
await step("invited: replaces it and is signed in", async () => {
  must((await replace(password)).AuthenticationResult.IdToken, "there is an ID token");
});

await step("secret: signs in by SRP", async () => {
  tokens = await bySrp(thirdPassword, place.secret);
});
await step("secret: refreshes", () => refresh(tokens, place.secretClient, secretly(name, place.secret)));
await step("secret: a wrong one is refused", () => bySrp(thirdPassword, "wrong"));
