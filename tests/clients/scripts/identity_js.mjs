// amazon-cognito-identity-js, the library before Amplify v6: a whole life, and what is left after it.
import {
  AuthenticationDetails,
  CognitoAccessToken,
  CognitoIdToken,
  CognitoRefreshToken,
  CognitoUser,
  CognitoUserAttribute,
  CognitoUserPool,
  CognitoUserSession,
} from "amazon-cognito-identity-js";
import { codeSentTo, must, place, step } from "./steps.mjs";

const { name, password, secondPassword, thirdPassword } = place;
const { pool: UserPoolId, client: ClientId, endpoint } = place;
const pool = new CognitoUserPool({ UserPoolId, ClientId, endpoint });
const userNamed = (Username) => new CognitoUser({ Username, Pool: pool });
const attribute = (Name, Value) => new CognitoUserAttribute({ Name, Value });

// One call that takes (error, result) last, as a promise; and one that takes callbacks by name.
const call = (object, method, ...given) =>
  new Promise((resolve, reject) => {
    object[method](...given, (error, result) => (error ? reject(error) : resolve(result)));
  });
const callNamed = (object, method, ...given) =>
  new Promise((resolve, reject) => {
    object[method](...given, {
      onSuccess: resolve,
      onFailure: reject,
      newPasswordRequired: () => resolve("NEW_PASSWORD_REQUIRED"),
    });
  });

const signIn = (user, Password, flow = "USER_SRP_AUTH") => {
  user.setAuthenticationFlowType(flow);
  const details = new AuthenticationDetails({ Username: user.getUsername(), Password });
  return callNamed(user, "authenticateUser", details);
};
const bySrp = (given) => signIn(userNamed(name), given);
const byPassword = (given) => signIn(userNamed(name), given, "USER_PASSWORD_AUTH");

const signUp = async (given, address) => {
  const attributes = [attribute("email", address)];
  return (await call(pool, "signUp", name, given, attributes, null)).userSub;
};
const attributesOf = async (user) => {
  const pairs = await call(user, "getUserAttributes");
  return Object.fromEntries(pairs.map((pair) => [pair.getName(), pair.getValue()]));
};

// The tokens of a session, in the hands of an object that knows nothing else: another device.
const deviceWith = (session) => {
  const user = userNamed(name);
  user.setSignInUserSession(
    new CognitoUserSession({
      IdToken: new CognitoIdToken({ IdToken: session.getIdToken().getJwtToken() }),
      AccessToken: new CognitoAccessToken({ AccessToken: session.getAccessToken().getJwtToken() }),
      RefreshToken: new CognitoRefreshToken({ RefreshToken: session.getRefreshToken().getToken() }),
    }),
  );
  return user;
};
const refresh = (session) => call(userNamed(name), "refreshSession", session.getRefreshToken());

let sub, user, session;
await step("signs up", async () => {
  sub = await signUp(password, place.mail);
});
await step("may not sign in before confirming", () => bySrp(password));
await step("may not confirm with a wrong code", () =>
  call(userNamed(name), "confirmRegistration", place.wrongCode, false));
await step("confirms with the code from the mail", async () => {
  await call(userNamed(name), "confirmRegistration", await codeSentTo(place.mail), false);
});
await step("may not sign in by SRP with a wrong password", () => bySrp(secondPassword));
await step("signs in by SRP", async () => {
  user = userNamed(name);
  session = await signIn(user, password);
});
await step("reads their attributes", async () => {
  const attributes = await attributesOf(user);
  must(attributes.sub === sub, "the sub is that of the sign-up");
  must(attributes.email === place.mail && attributes.email_verified === "true", "the address is verified");
});
await step("changes an attribute", async () => {
  await call(user, "updateAttributes", [attribute("nickname", "Zoë 漢字")]);
  must((await attributesOf(user)).nickname === "Zoë 漢字", "the new value is read");
});
await step("refreshes their tokens", async () => {
  const before = session.getAccessToken().getJwtToken();
  session = await call(user, "refreshSession", session.getRefreshToken());
  must(session.getAccessToken().getJwtToken() !== before, "the access token is another");
  await attributesOf(deviceWith(session));
});
await step("changes their password", async () => {
  await call(user, "changePassword", password, secondPassword);
});
const before = session;
await step("signs out everywhere", async () => {
  await callNamed(user, "globalSignOut");
});
await step("signed out: the access token is refused", () => attributesOf(deviceWith(before)));
await step("signed out: the refresh token is refused", () => refresh(before));
await step("may not sign in by SRP with the old password", () => bySrp(password));
let old;
await step("signs in with a password", async () => {
  user = userNamed(name);
  old = await signIn(user, secondPassword, "USER_PASSWORD_AUTH");
});
await step("deletes themself", async () => {
  await call(user, "deleteUser");
});
await step("gone: the access token is refused", () => attributesOf(deviceWith(old)));
await step("gone: the refresh token is refused", () => refresh(old));
await step("gone: SRP sign-in is refused", () => bySrp(secondPassword));
await step("gone: password sign-in is refused", () => byPassword(secondPassword));
await step("gone: deleting again is refused", () => call(deviceWith(old), "deleteUser"));
await step("a namesake signs up", async () => {
  must((await signUp(thirdPassword, place.namesakeMail)) !== sub, "the namesake has another sub");
  await call(userNamed(name), "confirmRegistration", await codeSentTo(place.namesakeMail), false);
});
await step("namesake: the old access token is refused", () => attributesOf(deviceWith(old)));
await step("namesake: the old refresh token is refused", () => refresh(old));
await step("namesake: the old password is refused", () => bySrp(secondPassword));
await step("namesake: the old token may not delete", () => call(deviceWith(old), "deleteUser"));
await step("namesake: signs in by SRP", async () => {
  await bySrp(thirdPassword);
});
const invited = userNamed(place.invited);
const replace = (given) => callNamed(invited, "completeNewPasswordChallenge", given, {});
await step("invited: the password must be replaced", () => signIn(invited, place.temporaryPassword));
await step("invited: a weak password is refused", () => replace("weakweak"));
await step("invited: replaces it and is signed in", async () => {
  await replace(password);
});
