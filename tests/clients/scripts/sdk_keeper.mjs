// @aws-sdk/client-cognito-identity-provider on a server that asks for signatures: an administrator's day,
// each call signed by the SDK's own signer.
import { CognitoIdentityProvider } from "@aws-sdk/client-cognito-identity-provider";
import { must, place, step } from "./steps.mjs";

const { name, temporaryPassword, password } = place;
const spelled = "Zoë 漢字 + ~ /";
const key = { accessKeyId: place.keyId, secretAccessKey: place.keySecret };
const unsigned = { signer: { sign: async (request) => request } };

const signedWith = (credentials, more = {}) =>
  new CognitoIdentityProvider({
    endpoint: place.endpoint,
    region: place.region,
    maxAttempts: 1,
    credentials,
    ...more,
  });

const keeper = signedWith(key);
let pool, ClientId, challenge;
await step("makes a pool", async () => {
  pool = (await keeper.createUserPool({ PoolName: "kept" })).UserPool;
});
const UserPoolId = pool.Id;
await step("makes a client", async () => {
  const ExplicitAuthFlows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
  const wanted = { UserPoolId, ClientName: "app", ExplicitAuthFlows };
  ({ ClientId } = (await keeper.createUserPoolClient(wanted)).UserPoolClient);
});
await step("finds the pool in the list", async () => {
  const { UserPools } = await keeper.listUserPools({ MaxResults: 60 });
  must(UserPools.some(({ Id }) => Id === UserPoolId), "the pool is listed");
});
await step("tags it by its ARN", async () => {
  await keeper.tagResource({ ResourceArn: pool.Arn, Tags: { team: "a/b = c" } });
  const { Tags } = await keeper.listTagsForResource({ ResourceArn: pool.Arn });
  must(Tags.team === "a/b = c", "the tags are read");
});
await step("makes a user", async () => {
  const { User } = await keeper.adminCreateUser({
    UserPoolId,
    Username: name,
    TemporaryPassword: temporaryPassword,
    MessageAction: "SUPPRESS",
    UserAttributes: [{ Name: "name", Value: spelled }],
  });
  must(User.UserStatus === "FORCE_CHANGE_PASSWORD", "the password must be changed");
});
await step("finds them by a name in other letters", async () => {
  const { Users } = await keeper.listUsers({ UserPoolId, Filter: `name = "${spelled}"` });
  must(Users.length === 1 && Users[0].Username === name, "the filter finds them");
});
await step("signs them in", async () => {
  challenge = await keeper.adminInitiateAuth({
    UserPoolId,
    ClientId,
    AuthFlow: "ADMIN_USER_PASSWORD_AUTH",
    AuthParameters: { USERNAME: name, PASSWORD: temporaryPassword },
  });
  return challenge.ChallengeName;
});
await step("sets their password in the challenge", async () => {
  const { AuthenticationResult } = await keeper.adminRespondToAuthChallenge({
    UserPoolId,
    ClientId,
    ChallengeName: challenge.ChallengeName,
    Session: challenge.Session,
    ChallengeResponses: { USERNAME: name, NEW_PASSWORD: password },
  });
  const { AccessToken } = AuthenticationResult;
  must((await keeper.getUser({ AccessToken })).Username === name, "the token is theirs");
});
const mistyped = { ...key, secretAccessKey: [...key.secretAccessKey].reverse().join("") };
const stranger = { ...key, accessKeyId: "AKIAAAAAAAAAAAAAAAAA" };
const knock = (...given) => signedWith(...given).describeUserPool({ UserPoolId });
await step("is refused with a wrong secret", () => knock(mistyped));
await step("is refused with a key that nobody made", () => knock(stranger));
await step("is refused without a key", () => knock(key, unsigned));
await step("deletes the user", () => keeper.adminDeleteUser({ UserPoolId, Username: name }));
await step("gone: the user is refused", () => keeper.adminGetUser({ UserPoolId, Username: name }));
await step("deletes the pool", () => keeper.deleteUserPool({ UserPoolId }));
await step("gone: the pool is refused", () => keeper.describeUserPool({ UserPoolId }));
