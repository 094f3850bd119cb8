// aws-amplify v6, as an application in Node uses it: a whole life, and what is left after it.
// A "device" is what the library keeps in its storage; an old device is that storage, put back.
import { Amplify } from "aws-amplify";
import * as auth from "aws-amplify/auth";
import { cognitoUserPoolsTokenProvider } from "aws-amplify/auth/cognito";
import { Hub } from "aws-amplify/utils";
import { codeSentTo, must, place, step } from "./steps.mjs";

const { name, password, secondPassword, thirdPassword } = place;
let device = {};

Amplify.configure({
  Auth: {
    Cognito: {
      userPoolId: place.pool,
      userPoolClientId: place.client,
      userPoolEndpoint: place.endpoint,
    },
  },
});
cognitoUserPoolsTokenProvider.setKeyValueStorage({
  setItem: async (key, value) => void (device[key] = value),
  getItem: async (key) => device[key] ?? null,
  removeItem: async (key) => void delete device[key],
  clear: async () => void (device = {}),
});

const bySrp = async (username, given) => {
  const { isSignedIn, nextStep } = await auth.signIn({ username, password: given });
  return isSignedIn ? "done" : nextStep.signInStep;
};

const byPassword = async (username, given) => {
  const options = { authFlowType: "USER_PASSWORD_AUTH" };
  await auth.signIn({ username, password: given, options });
};

// Whatever the body does, it does on that device; afterwards the present one is back.
const on = async (other, body) => {
  const present = device;
  device = { ...other };
  try {
    return await body();
  } finally {
    device = present;
  }
};

// The library takes a refused refresh for a sign-out: it has no tokens then, and tells why on its hub alone.
let refusal;
Hub.listen("auth", ({ payload }) => {
  if (payload.event === "tokenRefresh_failure") refusal = payload.data.error;
});
const refresh = async () => {
  const { tokens } = await auth.fetchAuthSession({ forceRefresh: true });
  if (!tokens) throw refusal;
  return String(tokens.accessToken);
};

let sub;
await step("signs up", async () => {
  const options = { userAttributes: { email: place.mail } };
  const { nextStep, userId } = await auth.signUp({ username: name, password, options });
  must(nextStep.signUpStep === "CONFIRM_SIGN_UP", "a code is asked for");
  sub = userId;
});
await step("may not sign in before confirming", () => bySrp(name, password));
await step("may not confirm with a wrong code", () =>
  auth.confirmSignUp({ username: name, confirmationCode: place.wrongCode }));
await step("confirms with the code from the mail", async () => {
  await auth.confirmSignUp({ username: name, confirmationCode: await codeSentTo(place.mail) });
});
await step("may not sign in by SRP with a wrong password", () => bySrp(name, secondPassword));
await step("signs in by SRP", () => bySrp(name, password));
await step("reads their attributes", async () => {
  const attributes = await auth.fetchUserAttributes();
  must(attributes.sub === sub, "the sub is that of the sign-up");
  must((await auth.getCurrentUser()).userId === sub, "the library knows who it is");
  must(attributes.email === place.mail && attributes.email_verified === "true", "the address is verified");
});
await step("changes an attribute", async () => {
  await auth.updateUserAttributes({ userAttributes: { nickname: "Zoë 漢字" } });
  must((await auth.fetchUserAttributes()).nickname === "Zoë 漢字", "the new value is read");
});
await step("refreshes their tokens", async () => {
  const before = String((await auth.fetchAuthSession()).tokens.accessToken);
  must((await refresh()) !== before, "the access token is another");
  await auth.fetchUserAttributes();
});
await step("changes their password", async () => {
  await auth.updatePassword({ oldPassword: password, newPassword: secondPassword });
});
const before = { ...device };
await step("signs out everywhere", async () => {
  await auth.signOut({ global: true });
});
await step("signed out: the access token is refused", () => on(before, () => auth.fetchUserAttributes()));
await step("signed out: the refresh token is refused", () => on(before, refresh));
await step("may not sign in by SRP with the old password", () => bySrp(name, password));
await step("signs in with a password", () => byPassword(name, secondPassword));
const old = { ...device };
await step("deletes themself", async () => {
  await auth.deleteUser();
});
await step("gone: the access token is refused", () => on(old, () => auth.fetchUserAttributes()));
await step("gone: the refresh token is refused", () => on(old, refresh));
await step("gone: SRP sign-in is refused", () => bySrp(name, secondPassword));
await step("gone: password sign-in is refused", () => byPassword(name, secondPassword));
await step("gone: deleting again is refused", () => on(old, () => auth.deleteUser()));
await step("a namesake signs up", async () => {
  const options = { userAttributes: { email: place.namesakeMail } };
  const { userId } = await auth.signUp({ username: name, password: thirdPassword, options });
  must(userId !== sub, "the namesake has another sub");
  await auth.confirmSignUp({ username: name, confirmationCode: await codeSentTo(place.namesakeMail) });
});
await step("namesake: the old access token is refused", () => on(old, () => auth.fetchUserAttributes()));
await step("namesake: the old refresh token is refused", () => on(old, refresh));
await step("namesake: the old password is refused", () => bySrp(name, secondPassword));
await step("namesake: the old token may not delete", () => on(old, () => auth.deleteUser()));
await step("namesake: signs in by SRP", () => bySrp(name, thirdPassword));
await auth.signOut();
await step("invited: the password must be replaced", () => bySrp(place.invited, place.temporaryPassword));
const replace = (challengeResponse) => auth.confirmSignIn({ challengeResponse });
await step("invited: a weak password is refused", () => replace("weakweak"));
await step("invited: replaces it and is signed in", async () => {
  must((await replace(password)).isSignedIn, "the new password signs in");
});
